#include "dns/svcb.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/wire.h"

namespace gw::dns {

namespace {

enum SvcKey : std::uint16_t {
  kMandatory = 0,
  kAlpn = 1,
  kNoDefaultAlpn = 2,
  kPort = 3,
  kIpv4Hint = 4,
  kEch = 5,
  kIpv6Hint = 6,
  kDohPath = 7,  // RFC 9461
  kOhttp = 8,    // RFC 9540
  kInvalidKey = 65535,
};

constexpr std::array<std::pair<std::string_view, std::uint16_t>, 9> kSvcKeys = {
    {{"mandatory", kMandatory},
     {"alpn", kAlpn},
     {"no-default-alpn", kNoDefaultAlpn},
     {"port", kPort},
     {"ipv4hint", kIpv4Hint},
     {"ech", kEch},
     {"ipv6hint", kIpv6Hint},
     {"dohpath", kDohPath},
     {"ohttp", kOhttp}}};

using SvcParams = std::map<std::uint16_t, std::string>;  // by key; the wire's order

std::optional<std::uint16_t> svc_key(std::string_view name) {
  for (const auto& [known, key] : kSvcKeys) {
    if (name == known) return key;
  }
  if (!name.starts_with("key")) return std::nullopt;
  const auto number = parse_decimal(name.substr(3));
  if (!number || *number >= kInvalidKey) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

// Fields separated by blanks; a quoted part may have blanks.
std::vector<std::string_view> svc_fields(std::string_view text) {
  std::vector<std::string_view> out;
  while (!(text = trim(text)).empty()) {
    bool in_quotes = false;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
      if (text[end] == '\\') {
        ++end;
      } else if (text[end] == '"') {
        in_quotes = !in_quotes;
      } else if (!in_quotes && (text[end] == ' ' || text[end] == '\t')) {
        break;
      }
    }
    end = std::min(end, text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

// A character-string as it is written, quoted or not; none when it is malformed.
std::optional<std::string> svc_string(std::string_view text) {
  if (text.starts_with('"')) {
    if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return std::nullopt;
    if (text[i] != '\\') {
      out.push_back(text[i]);
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    if (!is_digit(text[i])) {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || !is_digit(text[i + 1]) || !is_digit(text[i + 2])) {
      return std::nullopt;
    }
    const int value = (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
    if (value > 255) return std::nullopt;
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(value)));
    i += 2;
  }
  return out;
}

// Appendix A.1: the items of a list, in which a comma and a backslash are escaped once more. None
// when one is empty or an escape is of anything else.
std::optional<std::vector<std::string>> svc_list(std::string_view value) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == ',') {
      if (out.back().empty()) return std::nullopt;
      out.emplace_back();
      continue;
    }
    if (value[i] == '\\') {
      ++i;
      if (i == value.size() || (value[i] != ',' && value[i] != '\\')) return std::nullopt;
    }
    out.back().push_back(value[i]);
  }
  if (out.back().empty()) return std::nullopt;
  return out;
}

std::optional<std::string> svc_addresses(const std::vector<std::string>& items, int family) {
  std::string out;
  std::array<char, 16> octets;
  for (const std::string& item : items) {
    if (item.find('\0') != std::string::npos) return std::nullopt;
    if (::inet_pton(family, item.c_str(), octets.data()) != 1) return std::nullopt;
    out.append(octets.data(), family == AF_INET ? 4 : 16);
  }
  return out;
}

std::optional<std::string> svc_mandatory(const std::vector<std::string>& items) {
  std::vector<std::uint16_t> keys;
  for (const std::string& item : items) {
    const auto key = svc_key(item);
    if (!key) return std::nullopt;
    keys.push_back(*key);
  }
  std::sort(keys.begin(), keys.end());
  std::string out;
  for (const std::uint16_t key : keys) append_u16(out, key);
  return out;
}

// The wire form of a value; none when it is no value of this key.
std::optional<std::string> svc_value(std::uint16_t key, const std::string& value) {
  std::string out;
  switch (key) {
    case kMandatory:
    case kAlpn:
    case kIpv4Hint:
    case kIpv6Hint: {
      const auto items = svc_list(value);
      if (!items) return std::nullopt;
      if (key == kMandatory) return svc_mandatory(*items);
      if (key != kAlpn) return svc_addresses(*items, key == kIpv4Hint ? AF_INET : AF_INET6);
      for (const std::string& item : *items) {
        if (item.size() > 255) return std::nullopt;
        append_u8(out, static_cast<std::uint8_t>(item.size()));
        out += item;
      }
      return out;
    }
    case kPort: {
      const auto port = parse_decimal(value);
      if (!port || *port > 0xffff) return std::nullopt;
      append_u16(out, static_cast<std::uint16_t>(*port));
      return out;
    }
    case kEch:
      return decode_base64(value);
    default:
      return value;
  }
}

bool is_alpn(std::string_view value) {
  if (value.empty()) return false;
  while (!value.empty()) {
    const std::size_t size = octet(value, 0);
    if (size == 0 || size + 1 > value.size()) return false;
    value.remove_prefix(size + 1);
  }
  return true;
}

// Section 8: ascending, each once, itself not, and all of them there.
bool is_mandatory(std::string_view value, const SvcParams& params) {
  if (value.empty() || value.size() % 2 != 0) return false;
  std::uint16_t last = kMandatory;
  for (; !value.empty(); value.remove_prefix(2)) {
    const std::uint16_t key = load_u16(value.data());
    if (key <= last || !params.contains(key)) return false;
    last = key;
  }
  return true;
}

bool is_value(std::uint16_t key, std::string_view value, const SvcParams& params) {
  switch (key) {
    case kMandatory:
      return is_mandatory(value, params);
    case kAlpn:
      return is_alpn(value);
    case kNoDefaultAlpn:  // section 7.1.1: beside the ones that there are
      return value.empty() && params.contains(kAlpn);
    case kOhttp:
      return value.empty();
    case kPort:
      return value.size() == 2;
    case kIpv4Hint:
      return !value.empty() && value.size() % 4 == 0;
    case kIpv6Hint:
      return !value.empty() && value.size() % 16 == 0;
    case kEch:
    case kDohPath:
      return !value.empty();
    default:
      return key != kInvalidKey;
  }
}

// The key whose value is none of its.
std::optional<std::uint16_t> bad_value(const SvcParams& params) {
  for (const auto& [key, value] : params) {
    if (!is_value(key, value, params)) return key;
  }
  return std::nullopt;
}

std::string svc_key_name(std::uint16_t key) {
  for (const auto& [name, known] : kSvcKeys) {
    if (key == known) return std::string(name);
  }
  return fmt::format("key{}", key);
}

Status add_param(std::string_view field, SvcParams& params) {
  const std::string_view name = field.substr(0, field.find('='));
  const auto key = svc_key(name);
  if (!key) return usage_error(fmt::format("unknown key {}", quoted(name)));
  std::string value;
  if (name.size() < field.size()) {
    auto given = svc_string(field.substr(name.size() + 1));
    if (!given) return usage_error(fmt::format("malformed value of {}", name));
    value = *std::move(given);
  }
  // A key by number has its value in the wire's form.
  const bool as_is = value.empty() || name.starts_with("key");
  std::optional<std::string> wire = as_is ? value : svc_value(*key, value);
  if (!wire || wire->size() > 0xffff)
    return usage_error(fmt::format("malformed value of {}", name));
  if (!params.emplace(*key, *std::move(wire)).second) {
    return usage_error(fmt::format("{} twice", name));
  }
  return {};
}

}  // namespace

Result<std::string> parse_svcb(std::string_view text, NameView origin) {
  const std::vector<std::string_view> fields = svc_fields(text);
  if (fields.size() < 2) return usage_error("needs a priority and a target");
  const auto priority = parse_decimal(fields[0]);
  if (!priority || *priority > 0xffff) {
    return usage_error(fmt::format("priority {} is none of 0 to 65535", quoted(fields[0])));
  }
  GW_TRY(const std::string target, complete_name(fields[1], origin));
  SvcParams params;
  for (std::size_t i = 2; i < fields.size(); ++i) GW_CHECK(add_param(fields[i], params));
  if (const auto key = bad_value(params)) {
    return usage_error(fmt::format("malformed value of {}", svc_key_name(*key)));
  }
  std::string out;
  append_u16(out, static_cast<std::uint16_t>(*priority));
  out += target;
  for (const auto& [key, value] : params) {
    append_u16(out, key);
    append_u16(out, static_cast<std::uint16_t>(value.size()));
    out += value;
  }
  if (out.size() > 0xffff) return usage_error("too large");
  return out;
}

bool is_svcb(std::string_view rdata) {
  if (rdata.size() < 3) return false;
  rdata.remove_prefix(2);
  const std::size_t target = wire_name_size(rdata);
  if (target == 0) return false;
  rdata.remove_prefix(target);
  SvcParams params;
  while (!rdata.empty()) {
    if (rdata.size() < 4) return false;
    const std::uint16_t key = load_u16(rdata.data());
    const std::size_t size = load_u16(rdata.data() + 2);
    if (rdata.size() - 4 < size) return false;
    if (!params.empty() && params.rbegin()->first >= key) return false;
    params.emplace_hint(params.end(), key, rdata.substr(4, size));
    rdata.remove_prefix(4 + size);
  }
  return !bad_value(params);
}

}  // namespace gw::dns
