#include "supervise/json_fields.h"

namespace gw::supervise {

const Json* find_member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(std::string(name));
  return at == object.end() ? nullptr : &*at;
}

std::string text_member(const Json& object, std::string_view name) {
  const Json* value = find_member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

bool flag_member(const Json& object, std::string_view name) {
  const Json* value = find_member(object, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

std::optional<std::uint64_t> number_member(const Json& object, std::string_view name) {
  const Json* value = find_member(object, name);
  if (value == nullptr || !value->is_number_unsigned()) return std::nullopt;
  return value->get<std::uint64_t>();
}

std::optional<WallTime> time_member(const Json& object, std::string_view name) {
  return parse_rfc3339(text_member(object, name));
}

std::vector<std::string> texts_member(const Json& object, std::string_view name) {
  std::vector<std::string> out;
  for (const Json& value : list_member(object, name)) {
    if (value.is_string()) out.push_back(value.get<std::string>());
  }
  return out;
}

const Json& list_member(const Json& object, std::string_view name) {
  static const Json kEmpty = Json::array();
  const Json* value = find_member(object, name);
  return value != nullptr && value->is_structured() ? *value : kEmpty;
}

}  // namespace gw::supervise
