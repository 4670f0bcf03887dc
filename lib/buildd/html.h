// The frame of every page, and text in it.
//
// Whatever comes from outside goes through http::escape_html(): module paths, logs, error texts.
// Pages need no script and no font; what they load is the service's own style sheet and, where
// something is to be followed live, one script.
#pragma once

#include <string>
#include <string_view>

#include "http/html.h"
#include "http/response.h"

namespace gw::buildd {

using http::escape_html;

// <a href="TO">TEXT</a>, both as plain text.
std::string link(std::string_view to, std::string_view text);
// A message as a sentence's beginning.
std::string capital(std::string_view text);
// "6.3 MB"
std::string format_size(std::uint64_t bytes);

struct Page {
  int status = 200;
  std::string title;
  std::string site;           // the service's name
  std::string body;           // HTML
  bool follow = false;        // loads the script
  unsigned reload_after = 0;  // seconds, for readers without a script; 0: never
  bool index = false;         // search engines may list it
  std::string cache = "no-cache";
};
http::Response render(const Page& page);

inline constexpr std::string_view kStylePath = "/-/style.css";
inline constexpr std::string_view kScriptPath = "/-/follow.js";
http::Response style_sheet();
http::Response script();
http::Response robots();

}  // namespace gw::buildd
