#include "dns/strict_rdata.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/presentation.h"
#include "dns/types.h"
#include "dns/wire.h"

namespace gw::dns {

namespace {

constexpr std::uint16_t kHinfo = 13;
constexpr std::uint16_t kX25 = 19;
constexpr std::uint16_t kLoc = 29;
constexpr std::uint16_t kApl = 42;
constexpr std::uint16_t kSshfp = 44;
constexpr std::uint16_t kTlsa = 52;
constexpr std::uint16_t kSmimea = 53;
constexpr std::uint16_t kCsync = 62;
constexpr std::uint16_t kZonemd = 63;
constexpr std::uint16_t kCaa = 257;

std::uint8_t octet_at(std::string_view rdata, std::size_t i) {
  return static_cast<std::uint8_t>(rdata[i]);
}

// "12" or "12.34": the number times 10^`places`; nothing when it is another text, has more digits
// than `places` behind the point, or is absurd.
std::optional<std::uint64_t> parse_fixed(std::string_view text, unsigned places) {
  constexpr std::size_t kMostDigits = 9;
  const std::string_view whole = text.substr(0, text.find('.'));
  std::string_view part = text.substr(whole.size());
  if (!part.empty()) part.remove_prefix(1);
  const bool pointed = whole.size() < text.size();
  if (whole.empty() || whole.size() > kMostDigits || part.size() > places) return std::nullopt;
  if (pointed && part.empty()) return std::nullopt;
  std::uint64_t number = 0;
  const auto take = [&](std::string_view digits) {
    for (const char c : digits) {
      if (!is_digit(c)) return false;
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return true;
  };
  if (!take(whole) || !take(part)) return std::nullopt;
  for (std::size_t i = part.size(); i < places; ++i) number *= 10;
  return number;
}

using Words = std::span<const std::string_view>;

std::string_view next_word(Words& words) {
  if (words.empty()) return {};
  const std::string_view word = words.front();
  words = words.subspan(1);
  return word;
}

// Degrees, minutes and seconds up to one of two letters, in thousandths of a second from 2^31.
std::optional<std::uint32_t> parse_angle(Words& words, std::uint64_t most_degrees, char positive,
                                         char negative) {
  constexpr std::uint64_t kMinute = 60'000;
  constexpr std::uint64_t kDegree = 60 * kMinute;
  const auto degrees = parse_fixed(next_word(words), 0);
  if (!degrees) return std::nullopt;
  std::uint64_t sum = *degrees * kDegree;
  std::string_view word = next_word(words);
  if (!word.empty() && is_digit(word.front())) {
    const auto minutes = parse_fixed(word, 0);
    if (!minutes || *minutes > 59) return std::nullopt;
    sum += *minutes * kMinute;
    word = next_word(words);
  }
  if (!word.empty() && is_digit(word.front())) {
    const auto seconds = parse_fixed(word, 3);
    if (!seconds || *seconds >= kMinute) return std::nullopt;
    sum += *seconds;
    word = next_word(words);
  }
  if (word.size() != 1 || sum > most_degrees * kDegree) return std::nullopt;
  const std::string letter = to_lower(word);
  if (letter[0] != positive && letter[0] != negative) return std::nullopt;
  const auto offset = static_cast<std::uint32_t>(sum);
  return letter[0] == positive ? 0x80000000U + offset : 0x80000000U - offset;
}

std::optional<std::uint64_t> parse_centimetres(std::string_view word) {
  if (word.ends_with('m') || word.ends_with('M')) word.remove_suffix(1);
  return parse_fixed(word, 2);
}

// From 100,000 m below the reference upwards.
std::optional<std::uint32_t> parse_altitude(std::string_view word) {
  constexpr std::int64_t kBelow = 10'000'000;
  const bool negative = word.starts_with('-');
  if (negative) word.remove_prefix(1);
  const auto distance = parse_centimetres(word);
  if (!distance) return std::nullopt;
  const auto signed_distance = static_cast<std::int64_t>(*distance);
  const std::int64_t sum = kBelow + (negative ? -signed_distance : signed_distance);
  if (sum < 0 || sum > 0xffffffff) return std::nullopt;
  return static_cast<std::uint32_t>(sum);
}

// One digit and a power of ten, of centimetres.
std::optional<std::uint8_t> parse_precision(std::string_view word) {
  constexpr std::uint64_t kMost = 9'000'000'000;
  auto value = parse_centimetres(word);
  if (!value || *value > kMost) return std::nullopt;
  unsigned power = 0;
  for (; *value > 9; ++power) *value /= 10;
  return static_cast<std::uint8_t>(*value << 4 | power);
}

Result<std::string> parse_loc(std::string_view text) {
  const std::vector<std::string_view> all = split_words(text);
  Words words(all);
  const auto wrong = [](std::string_view what) {
    return usage_error(fmt::format("{} is missing or out of its range", what));
  };
  const auto latitude = parse_angle(words, 90, 'n', 's');
  if (!latitude) return wrong("the latitude");
  const auto longitude = parse_angle(words, 180, 'e', 'w');
  if (!longitude) return wrong("the longitude");
  const auto altitude = parse_altitude(next_word(words));
  if (!altitude) return wrong("the altitude");
  std::array<std::uint8_t, 3> precisions = {0x12, 0x16, 0x13};  // 1 m, 10,000 m, 10 m
  for (std::uint8_t& precision : precisions) {
    if (words.empty()) break;
    const auto given = parse_precision(next_word(words));
    if (!given) return wrong("a size or precision");
    precision = *given;
  }
  if (!words.empty()) return usage_error(fmt::format("{} is too much", quoted(words.front())));
  std::string rdata;
  append_u8(rdata, 0);
  for (const std::uint8_t precision : precisions) append_u8(rdata, precision);
  append_u32(rdata, *latitude);
  append_u32(rdata, *longitude);
  append_u32(rdata, *altitude);
  return rdata;
}

// The octets of an address of a family of APL; 0: unknown.
std::size_t address_octets(unsigned family) { return family == 1 ? 4 : family == 2 ? 16 : 0; }

// "!1:192.0.2.0/24"
std::optional<std::string> parse_prefix(std::string_view word) {
  const bool negated = word.starts_with('!');
  if (negated) word.remove_prefix(1);
  const std::size_t colon = word.find(':');
  const std::size_t slash = word.find('/');
  if (colon == std::string_view::npos || slash == std::string_view::npos || slash < colon) {
    return std::nullopt;
  }
  const std::string_view family = word.substr(0, colon);
  const std::size_t octets =
      family == "1" || family == "2" ? address_octets(static_cast<unsigned>(family[0] - '0')) : 0;
  const auto bits = parse_decimal(word.substr(slash + 1));
  std::array<char, 16> address{};
  const std::string text(word.substr(colon + 1, slash - colon - 1));
  if (octets == 0 || !bits || *bits > octets * 8 ||
      ::inet_pton(octets == 4 ? AF_INET : AF_INET6, text.c_str(), address.data()) != 1) {
    return std::nullopt;
  }
  std::size_t size = octets;
  while (size > 0 && address[size - 1] == 0) --size;
  std::string out;
  append_u16(out, octets == 4 ? 1 : 2);
  append_u8(out, static_cast<std::uint8_t>(*bits));
  append_u8(out, static_cast<std::uint8_t>(size | (negated ? 0x80U : 0U)));
  return out.append(address.data(), size);
}

Result<std::string> parse_apl(std::string_view text) {
  std::string rdata;
  for (const std::string_view word : split_words(text)) {
    const auto prefix = parse_prefix(word);
    if (!prefix) return usage_error(fmt::format("{} is no address prefix", quoted(word)));
    rdata += *prefix;
  }
  return rdata;
}

// Words before the hexadecimal ones that end the rdata of some types; 0: no such type.
std::size_t words_before_hex(std::uint16_t type) {
  switch (type) {
    case kSshfp:
      return 2;
    case rrtype::kDs:
    case rrtype::kCds:
    case kTlsa:
    case kSmimea:
    case kZonemd:
      return 3;
    default:
      return 0;
  }
}

bool is_apl(std::string_view rdata) {
  while (!rdata.empty()) {
    if (rdata.size() < 4) return false;
    const std::size_t octets = address_octets(load_u16(rdata.data()));
    const std::size_t size = octet_at(rdata, 3) & 0x7fU;
    if (rdata.size() < 4 + size) return false;
    if (octets != 0 && (octet_at(rdata, 2) > octets * 8 || size > octets)) return false;
    if (size > 0 && rdata[3 + size] == 0) return false;  // the last octets are left out
    rdata.remove_prefix(4 + size);
  }
  return true;
}

bool is_loc(std::string_view rdata) {
  constexpr std::uint32_t kDegree = 3'600'000;
  if (rdata.empty() || rdata[0] != 0) return !rdata.empty();  // of a version that we do not know
  if (rdata.size() != 16) return false;
  for (const std::size_t at : {1U, 2U, 3U}) {
    const unsigned precision = octet_at(rdata, at);
    if ((precision >> 4) > 9 || (precision & 15U) > 9) return false;
  }
  const auto within = [&](std::size_t at, std::uint32_t degrees) {
    const std::uint32_t most = degrees * kDegree;
    return load_u32(rdata.data() + at) - (0x80000000U - most) <= 2 * most;
  };
  return within(4, 90) && within(8, 180);
}

bool is_caa(std::string_view rdata) {
  if (rdata.size() < 3) return false;
  const std::size_t size = octet_at(rdata, 1);
  if (size == 0 || 2 + size > rdata.size()) return false;
  const std::string_view tag = rdata.substr(2, size);
  return std::all_of(tag.begin(), tag.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

bool is_sshfp(std::string_view rdata) {
  if (rdata.size() < 3) return false;
  const unsigned type = octet_at(rdata, 1);
  return type == 1 ? rdata.size() == 2 + 20 : type != 2 || rdata.size() == 2 + 32;
}

bool is_zonemd(std::string_view rdata) {
  constexpr std::size_t kBefore = 6;
  constexpr std::size_t kLeast = 12;  // RFC 8976 2.2.4
  if (rdata.size() < kBefore + kLeast) return false;
  const unsigned hash = octet_at(rdata, 5);
  return hash == 1 ? rdata.size() == kBefore + 48 : hash == 2 ? rdata.size() == kBefore + 64 : true;
}

// As many character-strings, and nothing else.
bool is_strings(std::string_view rdata, unsigned count) {
  for (; count > 0; --count) {
    if (rdata.empty() || 1U + octet_at(rdata, 0) > rdata.size()) return false;
    rdata.remove_prefix(1U + octet_at(rdata, 0));
  }
  return rdata.empty();
}

bool is_x25(std::string_view rdata) {
  constexpr std::size_t kLeastDigits = 4;  // RFC 1183 3.1
  return is_strings(rdata, 1) && rdata.size() > kLeastDigits &&
         std::all_of(rdata.begin() + 1, rdata.end(), is_digit);
}

}  // namespace

bool has_strict_text(std::uint16_t type) { return type == kLoc || type == kApl; }

Result<std::string> parse_strict_rdata(std::uint16_t type, std::string_view text) {
  return type == kLoc ? parse_loc(text) : parse_apl(text);
}

Status check_rdata_text(std::uint16_t type, std::string_view text) {
  const std::vector<std::string_view> words = split_words(text);
  if (const std::size_t before = words_before_hex(type); before != 0) {
    std::string hex;
    for (std::size_t i = before; i < words.size(); ++i) hex += words[i];
    if (!decode_hex(hex)) return usage_error("its last field is not octets in hex");
  }
  if (type == kCsync) {
    for (std::size_t i = 2; i < words.size(); ++i) GW_CHECK(parse_type(words[i]));
  }
  return {};
}

bool is_strict_rdata(std::uint16_t type, std::string_view rdata) {
  switch (type) {
    case kHinfo:
      return is_strings(rdata, 2);
    case kX25:
      return is_x25(rdata);
    case kLoc:
      return is_loc(rdata);
    case kApl:
      return is_apl(rdata);
    case kSshfp:
      return is_sshfp(rdata);
    case kTlsa:
    case kSmimea:
      return rdata.size() > 3;
    case kZonemd:
      return is_zonemd(rdata);
    case kCaa:
      return is_caa(rdata);
    default:
      return true;
  }
}

}  // namespace gw::dns
