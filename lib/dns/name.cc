#include "dns/name.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::dns {

namespace {

// The starts of a name's labels, leftmost first; returns their number.
unsigned label_starts(NameView name, std::array<std::uint8_t, kMaxLabels + 1>& starts) {
  unsigned n = 0;
  for (std::size_t at = 0; octet(name, at) != 0; at += 1U + octet(name, at)) {
    starts[n++] = static_cast<std::uint8_t>(at);
  }
  return n;
}

// The octet of the escape at text[i], which is a backslash; moves i to the escape's last character.
std::optional<char> unescape(std::string_view text, std::size_t& i) {
  if (i + 1 >= text.size()) return std::nullopt;
  if (!is_digit(text[i + 1])) {
    i += 1;
    return text[i];
  }
  if (i + 3 >= text.size() || !is_digit(text[i + 2]) || !is_digit(text[i + 3])) return std::nullopt;
  int value = (text[i + 1] - '0') * 100 + (text[i + 2] - '0') * 10 + (text[i + 3] - '0');
  if (value > 255) return std::nullopt;
  i += 3;
  return static_cast<char>(value);
}

Error bad_name(std::string_view text, std::string_view why) {
  return usage_error(fmt::format("domain name {}: {}", quoted(text), why));
}

}  // namespace

std::size_t wire_name_size(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && at < kMaxName) {
    const std::uint8_t length = octet(bytes, at);
    if (length == 0) return at + 1;
    if (length > kMaxLabel) return 0;
    at += 1U + length;
  }
  return 0;
}

bool is_wire_name(std::string_view bytes) {
  return !bytes.empty() && wire_name_size(bytes) == bytes.size();
}

std::size_t read_name(std::string_view message, std::size_t offset, Name& out) {
  std::size_t at = offset;
  std::size_t after = 0;  // set at the first pointer
  std::size_t size = 0;
  std::size_t limit = offset;  // pointers must lead before it
  while (at < message.size()) {
    const std::uint8_t length = octet(message, at);
    if (length == 0) {
      out.bytes_[size] = 0;
      out.size_ = static_cast<std::uint8_t>(size + 1);
      return after != 0 ? after : at + 1;
    }
    if (length <= kMaxLabel) {
      if (at + 1 + length > message.size() || size + 1 + length >= kMaxName) return 0;
      std::memcpy(out.bytes_.data() + size, message.data() + at, 1U + length);
      size += 1U + length;
      at += 1U + length;
      continue;
    }
    if ((length & 0xc0) != 0xc0 || at + 2 > message.size()) return 0;
    const std::size_t target =
        (static_cast<std::size_t>(length & 0x3f) << 8) | octet(message, at + 1);
    if (target >= limit) return 0;
    if (after == 0) after = at + 2;
    limit = target;
    at = target;
  }
  return 0;
}

Result<std::string> parse_name(std::string_view text) {
  if (text.empty()) return bad_name(text, "empty");
  if (text == ".") return std::string(kRootName);
  std::string wire;
  std::string label;
  auto end_label = [&] {
    wire.push_back(static_cast<char>(label.size()));
    wire += label;
    label.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '.') {
      if (label.empty()) return bad_name(text, "empty label");
      end_label();
      continue;
    }
    if (c == '\\') {
      auto escaped = unescape(text, i);
      if (!escaped) return bad_name(text, "bad escape");
      c = *escaped;
    }
    if (label.size() == kMaxLabel) return bad_name(text, "label over 63 octets");
    label.push_back(c);
    if (wire.size() + label.size() + 2 > kMaxName) return bad_name(text, "over 253 characters");
  }
  if (!label.empty()) end_label();
  wire.push_back('\0');
  return wire;
}

Result<std::string> parse_lower_name(std::string_view text) {
  GW_TRY(std::string wire, parse_name(text));
  lower_name(wire.data(), wire.size());
  return wire;
}

Status check_name_text(std::string_view text, NameUse use) {
  GW_TRY([[maybe_unused]] const std::string wire, parse_name(text));
  const auto plain = [use](char c) {
    const char l = to_lower(c);
    return (l >= 'a' && l <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.' ||
           (c == '/' && use == NameUse::kZone);
  };
  if (std::all_of(text.begin(), text.end(), plain)) return {};
  std::string hint = "write an international name in its xn-- form";
  if (text.find("://") != text.npos) hint = "the name alone, without https:// and the like";
  if (text.find_first_of(", \t:=*") != text.npos && hint.starts_with("write")) {
    hint = "one name alone, without blanks, a port or a wildcard";
  }
  return usage_error(
      fmt::format("domain name {}: holds more than letters, digits, - and _", quoted(text)),
      std::move(hint));
}

Status check_host_text(std::string_view text) {
  GW_CHECK(check_name_text(text, NameUse::kDomain));
  if (text.ends_with('.')) text.remove_suffix(1);
  const std::string_view last = text.substr(text.rfind('.') + 1);  // npos + 1 is 0
  if (!last.empty() && std::all_of(last.begin(), last.end(), is_digit)) {
    return usage_error(quoted(text) + " is an address, not the name of a host");
  }
  if (last.size() == text.size()) {
    return usage_error(fmt::format("host name {} has only one label", quoted(text)),
                       "write it in full, such as ns1.example.org");
  }
  return {};
}

std::string format_name(NameView name) {
  std::string text = format_host(name);
  if (text != ".") text.push_back('.');
  return text;
}

std::string format_host(NameView name) {
  if (name.size() <= 1) return ".";
  std::string text;
  for (std::size_t at = 0; octet(name, at) != 0; at += 1U + octet(name, at)) {
    if (at != 0) text.push_back('.');
    for (const char c : name.substr(at + 1, octet(name, at))) {
      if (!is_visible(c)) {
        const auto u = static_cast<std::uint8_t>(c);
        text.push_back('\\');
        text.push_back(static_cast<char>('0' + u / 100));
        text.push_back(static_cast<char>('0' + u / 10 % 10));
        text.push_back(static_cast<char>('0' + u % 10));
        continue;
      }
      if (std::string_view(".\"();@$\\").find(c) != std::string_view::npos) text.push_back('\\');
      text.push_back(c);
    }
  }
  return text;
}

void lower_name(char* name, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) name[i] = to_lower(name[i]);
}

std::string lower_name(NameView name) {
  std::string lower(name);
  lower_name(lower.data(), lower.size());
  return lower;
}

unsigned label_count(NameView name) {
  unsigned n = 0;
  for (std::size_t at = 0; octet(name, at) != 0; at += 1U + octet(name, at)) ++n;
  return n;
}

unsigned rrsig_labels(NameView name) {
  return label_count(name) - (name.substr(0, 2) == std::string_view("\1*", 2) ? 1 : 0);
}

NameView parent_name(NameView name) { return name.substr(1U + octet(name, 0)); }

std::string_view first_label(NameView name) { return name.substr(1, octet(name, 0)); }

bool is_subdomain(NameView name, NameView ancestor) {
  if (ancestor.size() > name.size()) return false;
  const std::size_t cut = name.size() - ancestor.size();
  if (name.substr(cut) != ancestor) return false;
  // The suffix must begin where a label does: its bytes could also be a label's tail.
  std::size_t at = 0;
  while (at < cut) at += 1U + octet(name, at);
  return at == cut;
}

int compare_names(NameView a, NameView b) {
  std::array<std::uint8_t, kMaxLabels + 1> starts_a;
  std::array<std::uint8_t, kMaxLabels + 1> starts_b;
  unsigned na = label_starts(a, starts_a);
  unsigned nb = label_starts(b, starts_b);
  while (na > 0 && nb > 0) {
    const std::size_t at_a = starts_a[--na];
    const std::size_t at_b = starts_b[--nb];
    const std::size_t size_a = octet(a, at_a);
    const std::size_t size_b = octet(b, at_b);
    for (std::size_t i = 1; i <= std::min(size_a, size_b); ++i) {
      auto ca = static_cast<std::uint8_t>(to_lower(a[at_a + i]));
      auto cb = static_cast<std::uint8_t>(to_lower(b[at_b + i]));
      if (ca != cb) return ca < cb ? -1 : 1;
    }
    if (size_a != size_b) return size_a < size_b ? -1 : 1;
  }
  if (na == nb) return 0;
  return na < nb ? -1 : 1;
}

namespace {

bool ends_in_dot(std::string_view name) {
  if (name.empty() || name.back() != '.') return false;
  std::size_t escapes = 0;
  while (escapes + 1 < name.size() && name[name.size() - 2 - escapes] == '\\') ++escapes;
  return escapes % 2 == 0;
}

}  // namespace

Result<std::string> complete_name(std::string_view token, NameView origin) {
  if (token == "@") return std::string(origin);
  if (token.front() == '"') return usage_error(fmt::format("{} is not a name", quoted(token)));
  GW_TRY(std::string name, parse_name(token));
  if (ends_in_dot(token)) return name;
  name.pop_back();
  name += origin;
  if (name.size() > kMaxName) {
    return usage_error(fmt::format("{} is too long with its origin", quoted(token)));
  }
  return name;
}

}  // namespace gw::dns
