#include "http/form.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::http {

namespace {

Result<std::string> decode(std::string_view text) {
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '+', ' ');
  auto decoded = decode_percent(plain);
  if (!decoded)
    return usage_error(fmt::format("bad escape or NUL in the form: {}", quoted(text, 60)));
  return *std::move(decoded);
}

}  // namespace

Result<Form> Form::parse(std::string_view text) {
  Form form;
  while (!text.empty()) {
    const std::string_view field = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), field.size() + 1));
    if (field.empty()) continue;
    if (form.fields_.size() == kMaxFields) {
      return usage_error(fmt::format("the form has more than {} fields", kMaxFields));
    }
    const std::size_t equals = std::min(field.find('='), field.size());
    GW_TRY(auto name, decode(field.substr(0, equals)));
    GW_TRY(auto value, decode(field.substr(std::min(field.size(), equals + 1))));
    form.fields_.emplace_back(std::move(name), std::move(value));
  }
  return form;
}

Result<Form> Form::of_body(const Request& request) {
  const std::string* type = request.header("content-type");
  std::string_view essence = type == nullptr ? std::string_view() : *type;
  essence = essence.substr(0, essence.find(';'));
  if (to_lower(trim(essence)) != "application/x-www-form-urlencoded") {
    return usage_error(
        "the body is not a form: its Content-Type is not "
        "application/x-www-form-urlencoded");
  }
  return parse(request.body);
}

const std::string* Form::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string_view Form::get(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? std::string_view() : *value;
}

}  // namespace gw::http
