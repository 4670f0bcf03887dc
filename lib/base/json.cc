#include "base/json.h"

namespace gw {

namespace {

// Counted before parsing: the parser keeps a stack as deep as its input asks for.
bool nested_deeper_than(std::string_view text, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::optional<Json> parse_json(std::string_view text, int max_depth) {
  if (nested_deeper_than(text, max_depth)) return std::nullopt;
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

std::string format_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string format_json_lines(const Json& value) {
  return value.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json error_json(const Error& error) {
  Json out = {{"kind", error_kind_name(error.kind)}, {"message", error.message}};
  if (!error.hint.empty()) out["hint"] = error.hint;
  return out;
}

}  // namespace gw
