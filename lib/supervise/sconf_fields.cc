#include "supervise/sconf_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::supervise {

Status SconfFields::members(const Sconf& value, std::string_view what,
                            const std::vector<Field>& fields) const {
  if (value.kind == Sconf::Kind::kText && value.text.empty()) return {};
  if (value.kind != Sconf::Kind::kStruct) return wrong(value, fmt::format("{}: no keys", what));
  for (const auto& [name, member] : value.members) {
    const std::string& wanted = name;  // clang 14 captures no structured binding
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& f) { return f.name == wanted; });
    if (field == fields.end()) return wrong(member, "unknown key " + quoted(name));
    GW_CHECK(field->read(member));
  }
  for (const Field& field : fields) {
    if (field.required && value.find(field.name) == nullptr) {
      return wrong(value, fmt::format("{}: {} is missing", what, field.name));
    }
  }
  return {};
}

Result<std::string> SconfFields::text(const Sconf& value) const {
  if (value.kind != Sconf::Kind::kText) return wrong(value, "more than a text");
  if (std::any_of(value.text.begin(), value.text.end(), is_control)) {
    return wrong(value, "a control character");
  }
  if (!is_utf8(value.text)) return wrong(value, "no UTF-8");
  return value.text;
}

Result<std::vector<Sconf>> SconfFields::list(const Sconf& value) const {
  if (value.kind == Sconf::Kind::kList) return value.items;
  if (value.kind == Sconf::Kind::kText && value.text.empty()) return std::vector<Sconf>();
  return wrong(value, "not a list");
}

}  // namespace gw::supervise
