// The page that people look at: what runs, what will be installed when and why, and what they can
// do about it. From the supervisor's own JSON; a page causes no look-up. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace gw::supervise {

struct PageParts {
  Json status = Json::object();   // of the control command status
  Json history = Json::array();   // of history
  Json settings = Json::array();  // of settings
  std::string problem = {};       // of what was just asked for
  std::string form_token = {};
  std::vector<std::pair<std::string, std::string>> links = {};
  std::optional<WallTime> now = {};  // how long ago things were; nothing: it is not said
};
// HTML, whole. No script; whatever text comes in is escaped.
std::string format_page(const PageParts& parts);
std::string page_style();

}  // namespace gw::supervise
