// Text in HTML pages.
#pragma once

#include <string>
#include <string_view>

namespace gw::http {

// Text as HTML, also within attributes in quotes. Whatever comes from outside goes through it.
std::string escape_html(std::string_view text);

}  // namespace gw::http
