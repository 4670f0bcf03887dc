// What an HTML form sends, in a query or a body: what is read holds no NUL and no more fields than
// allowed, is found by its names, and, written down again, is the same form.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "http/form.h"

namespace fuzz_http_form {

using gw::http::Form;

namespace {

// Every byte escaped, but for letters.
std::string escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

void check_fields(const Form& form) {
  require(form.fields().size() <= Form::kMaxFields);
  std::string text;
  for (const auto& [name, value] : form.fields()) {
    require((name + value).find('\0') == std::string::npos);
    const std::string* first = form.find(name);
    require(first != nullptr && form.get(name) == *first);
    text += (text.empty() ? "" : "&") + escape(name) + "=" + escape(value);
  }
  const auto again = Form::parse(text);
  require(again && again->fields() == form.fields());
}

}  // namespace

// The first line is the body's Content-Type.
FUZZ_TARGET(http_form)(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto whole = Form::parse(input);
  if (whole) check_fields(*whole);
  require(whole || whole.error().kind == gw::ErrorKind::kUsage);

  const std::size_t end = std::min(input.find('\n'), size);
  gw::http::Request request;
  request.headers = {{"content-type", std::string(input.substr(0, end))}};
  request.body = input.substr(std::min(end + 1, size));
  const auto form = Form::of_body(request);
  const auto body = Form::parse(request.body);
  require(!form || (body && body->fields() == form->fields()));
  require(form || form.error().kind == gw::ErrorKind::kUsage);
  if (!form) {
    for (const char c : form.error().message) require(c >= 0x20 && c < 0x7f);
  }
  return 0;
}

}  // namespace fuzz_http_form
