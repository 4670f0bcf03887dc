// JSON, read without exceptions and written with keys in the order given.
// This header is the only door to nlohmann-json.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw {

using Json = nlohmann::ordered_json;

// One document; nothing when it is malformed or nested deeper than `max_depth`.
std::optional<Json> parse_json(std::string_view text, int max_depth = 64);

// One line, no spaces; bytes that are not UTF-8 become U+FFFD.
std::string format_json(const Json& value);
// A value a line, for files that people look into; otherwise the same.
std::string format_json_lines(const Json& value);

// {"kind", "message", and "hint" where there is one}, as every command's JSON tells an error.
Json error_json(const Error& error);

}  // namespace gw
