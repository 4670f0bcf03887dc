#include "module/go_string.h"

#include <fmt/format.h>

#include <cstdint>

#include "base/text.h"
#include "module/unicode.h"

namespace gw::mod {

namespace {

constexpr std::string_view kEscapes = "abfnrtv\\\"";
constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\\\"";

// Takes `count` digits of base 8 or 16 off the front.
std::optional<std::uint32_t> take_digits(std::string_view& rest, std::size_t count, unsigned base) {
  if (rest.size() < count) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : rest.substr(0, count)) {
    const char lower = to_lower(c);
    unsigned digit = base;
    if (is_digit(c)) digit = static_cast<unsigned>(c - '0');
    if (lower >= 'a' && lower <= 'f') digit = static_cast<unsigned>(lower - 'a') + 10;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  rest.remove_prefix(count);
  return value;
}

// `rest` is what follows a back slash.
bool take_escape(std::string_view& rest, std::string& out) {
  if (rest.empty()) return false;
  const char kind = rest[0];
  if (const std::size_t i = kEscapes.find(kind); i != std::string_view::npos) {
    rest.remove_prefix(1);
    out.push_back(kEscaped[i]);
    return true;
  }
  if (kind == 'u' || kind == 'U') {  // a character
    rest.remove_prefix(1);
    const auto value = take_digits(rest, kind == 'u' ? 4 : 8, 16);
    if (!value || *value > 0x10ffff || (*value >= 0xd800 && *value <= 0xdfff)) return false;
    append_rune(out, *value);
    return true;
  }
  if (kind == 'x') rest.remove_prefix(1);  // \xNN, \NNN: a byte
  const auto value = kind == 'x' ? take_digits(rest, 2, 16) : take_digits(rest, 3, 8);
  if (!value || *value > 0xff) return false;
  out.push_back(static_cast<char>(*value));
  return true;
}

std::optional<std::string> unquote_interpreted(std::string_view rest) {
  std::string out;
  while (!rest.empty()) {
    if (rest[0] == '"' || rest[0] == '\n') return std::nullopt;
    if (rest[0] == '\\') {
      rest.remove_prefix(1);
      if (!take_escape(rest, out)) return std::nullopt;
      continue;
    }
    const Rune rune = decode_rune(rest);
    append_rune(out, rune.value);
    rest.remove_prefix(rune.size);
  }
  return out;
}

}  // namespace

std::string_view quoted_prefix(std::string_view text) {
  if (text.empty() || (text[0] != '"' && text[0] != '`')) return {};
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == text[0]) return text.substr(0, i + 1);
    if (text[i] == '\\' && text[0] == '"') ++i;
  }
  return {};
}

std::optional<std::string> unquote_go(std::string_view literal) {
  if (quoted_prefix(literal).size() != literal.size() || literal.empty()) return std::nullopt;
  const std::string_view inside = literal.substr(1, literal.size() - 2);
  if (literal[0] == '"') return unquote_interpreted(inside);
  std::string out(inside);
  std::erase(out, '\r');
  return out;
}

std::string quote_go(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = decode_rune(text);
    const std::string_view bytes = text.substr(0, rune.size);
    text.remove_prefix(rune.size);
    if (const std::size_t i = kEscaped.find(bytes[0]); i != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kEscapes[i]);
    } else if ((rune.value == kRuneError && rune.size == 1) || rune.value < 0x20 ||
               rune.value == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
    } else if (is_printable(rune.value)) {
      out += bytes;
    } else if (rune.value < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(rune.value));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<std::uint32_t>(rune.value));
    }
  }
  out.push_back('"');
  return out;
}

}  // namespace gw::mod
