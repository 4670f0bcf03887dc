#include "dns/plain_rdata.h"

#include <arpa/inet.h>

#include <array>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/types.h"

namespace gw::dns {

namespace {

bool is_plain_name_octet(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

std::optional<std::string> plain_address(int family, std::string_view text) {
  std::array<char, 48> copy{};
  if (text.size() >= copy.size()) return std::nullopt;
  text.copy(copy.data(), text.size());
  std::array<char, 16> octets;
  if (::inet_pton(family, copy.data(), octets.data()) != 1) return std::nullopt;
  return std::string(octets.data(), family == AF_INET ? 4 : 16);
}

std::optional<std::string> plain_name(std::string_view text, NameView origin) {
  std::string wire;
  const bool absolute = text.ends_with('.');
  if (absolute) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > kMaxLabel) return std::nullopt;
    wire.push_back(static_cast<char>(label.size()));
    for (const char c : label) {
      if (!is_plain_name_octet(c)) return std::nullopt;
      wire.push_back(c);
    }
    text.remove_prefix(label.size());
    if (text.empty()) break;
    text.remove_prefix(1);
    if (text.empty()) return std::nullopt;  // two dots at the end
  }
  wire.append(absolute ? kRootName : origin);
  if (wire.size() > kMaxName) return std::nullopt;
  return wire;
}

std::optional<std::string> plain_mx(std::string_view text, NameView origin) {
  const std::size_t blank = text.find(' ');
  if (blank > 5) return std::nullopt;  // too many digits, or no blank at all
  const auto preference = parse_decimal(text.substr(0, blank));
  if (!preference || *preference > 0xffff) return std::nullopt;
  const auto name = plain_name(text.substr(blank + 1), origin);
  if (!name) return std::nullopt;
  std::string out;
  append_u16(out, static_cast<std::uint16_t>(*preference));
  return out + *name;
}

std::optional<std::string> plain_strings(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '"') return std::nullopt;
    const std::size_t end = text.find('"', 1);
    if (end == std::string_view::npos || end - 1 > 255) return std::nullopt;
    const std::string_view string = text.substr(1, end - 1);
    for (const char c : string) {
      if (c == '\\' || c < 0x20 || c >= 0x7f) return std::nullopt;
    }
    out.push_back(static_cast<char>(string.size()));
    out.append(string);
    text.remove_prefix(end + 1);
    if (text.empty()) break;
    if (text.front() != ' ' || text.size() == 1) return std::nullopt;
    text.remove_prefix(1);
  }
  if (out.empty()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> parse_plain_rdata(std::uint16_t type, std::string_view text,
                                             NameView origin) {
  switch (type) {
    case rrtype::kA:
      return plain_address(AF_INET, text);
    case rrtype::kAaaa:
      return plain_address(AF_INET6, text);
    case rrtype::kNs:
    case rrtype::kCname:
    case rrtype::kPtr:
    case rrtype::kDname:
      return plain_name(text, origin);
    case rrtype::kMx:
      return plain_mx(text, origin);
    case rrtype::kTxt:
      return plain_strings(text);
    default:
      return std::nullopt;
  }
}

}  // namespace gw::dns
