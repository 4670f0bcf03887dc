// What the parts of the page share. From JSON to HTML; whatever text comes in is escaped.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "supervise/web_page.h"

namespace gw::supervise::page {

// web_page_text.cc: a member's text; VERSION GOVERSION, plain and large.
std::string e(const Json& object, std::string_view name);
std::string target(const Json& object);
std::string big(const Json& object);
// Why nothing is installed by itself, without what the page says beside it.
std::string why_not(const Json& status);
// As a sentence begins.
std::string sentence(std::string text);
std::string count(std::int64_t n, std::string_view one);
// "3 days", of what is about so long.
std::string length(std::chrono::seconds time);
// Of a member that has seconds; nothing for none.
std::string length_member(const Json& object, std::string_view name);
// A moment as people read it, the exact one when they point at it.
std::string moment(const PageParts& p, const Json& object, std::string_view name);
std::string schedule_text(const Json& status);

struct Field {
  std::string name;
  std::string value;
};

std::string form_head(const PageParts& p, std::string_view action, std::string_view style = "");
std::string button(const PageParts& p, std::string_view action, std::string_view label,
                   const std::vector<Field>& fields = {}, bool main = false);

// web_page_sections.cc: the sections below what runs and what comes next.
std::string choose(const PageParts& p);
std::string history(const PageParts& p);
std::string details(const PageParts& p);
std::string gwtool_itself(const PageParts& p);

}  // namespace gw::supervise::page
