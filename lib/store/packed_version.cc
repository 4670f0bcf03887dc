#include "store/packed_version.h"

#include <array>
#include <bit>
#include <charconv>

#include "base/text.h"

namespace gw::store {
namespace {

constexpr std::uint8_t kText = 0;
constexpr std::uint8_t kRelease = 1;
constexpr std::uint8_t kPseudo = 2;
constexpr std::uint8_t kPseudoPatch = 3;
constexpr std::uint8_t kIncompatible = 0x10;
constexpr std::string_view kIncompatibleSuffix = "+incompatible";
constexpr std::size_t kTimeDigits = 14;
constexpr std::size_t kCommitDigits = 12;
constexpr std::size_t kTailBytes = 12;  // 6 for the time, 6 for the commit
constexpr std::uint64_t kTimeLimit = 100'000'000'000'000;

// The first eight octets. `in` has them.
std::uint64_t little_endian_word(std::string_view in) {
  std::uint64_t word = 0;
  in.copy(reinterpret_cast<char*>(&word), sizeof(word));
  return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

// A canonical decimal below 2^32 off the front; more digits are left to the text form.
bool read_number(std::string_view& in, std::uint64_t& out) {
  std::size_t n = 0;
  out = 0;
  while (n < in.size() && n < 10 && is_digit(in[n])) {
    out = out * 10 + static_cast<std::uint64_t>(in[n++] - '0');
  }
  if (n == 0 || (n > 1 && in[0] == '0') || out > 0xffffffff) return false;
  in.remove_prefix(n);
  return true;
}

bool read_char(std::string_view& in, char c) {
  if (in.empty() || in.front() != c) return false;
  in.remove_prefix(1);
  return true;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Octets for the end of a string, at most those of a structured version: written there one by one,
// each would look whether there is room.
struct ShortBytes {
  std::array<char, 1 + 3 * 5 + kTailBytes> data;
  std::size_t size = 0;

  void add(std::uint64_t octet) { data[size++] = static_cast<char>(octet); }
  void add_varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) add(v | 0x80);
    add(v);
  }
  void add_be48(std::uint64_t v) {
    for (int shift = 40; shift >= 0; shift -= 8) add(v >> shift);
  }
};

std::uint64_t read_be48(std::string_view in) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < 6; ++i) v = v << 8 | static_cast<std::uint8_t>(in[i]);
  return v;
}

// "yyyymmddhhmmss-abcdefabcdef" and nothing else.
bool read_tail(std::string_view in, std::uint64_t& time, std::uint64_t& commit) {
  if (in.size() != kTimeDigits + 1 + kCommitDigits || in[kTimeDigits] != '-') return false;
  time = commit = 0;
  for (const char c : in.substr(0, kTimeDigits)) {
    if (!is_digit(c)) return false;
    time = time * 10 + static_cast<std::uint64_t>(c - '0');
  }
  for (const char c : in.substr(kTimeDigits + 1)) {
    const int digit = hex_digit(c);
    if (digit < 0) return false;
    commit = commit << 4 | static_cast<std::uint64_t>(digit);
  }
  return true;
}

bool append_structured(std::string& out, std::string_view version) {
  std::uint8_t form = 0;
  if (version.ends_with(kIncompatibleSuffix)) {
    form = kIncompatible;
    version.remove_suffix(kIncompatibleSuffix.size());
  }
  std::array<std::uint64_t, 3> number{};
  if (!read_char(version, 'v') || !read_number(version, number[0]) || !read_char(version, '.') ||
      !read_number(version, number[1]) || !read_char(version, '.') ||
      !read_number(version, number[2])) {
    return false;
  }
  std::uint64_t time = 0;
  std::uint64_t commit = 0;
  if (version.empty()) {
    form |= kRelease;
  } else {
    if (!read_char(version, '-')) return false;
    form |= version.starts_with("0.") ? kPseudoPatch : kPseudo;
    if (version.starts_with("0.")) version.remove_prefix(2);
    if (!read_tail(version, time, commit)) return false;
  }
  ShortBytes bytes;
  bytes.add(form);
  for (const std::uint64_t n : number) bytes.add_varint(n);  // each below 2^32
  if ((form & 0x0f) != kRelease) {
    bytes.add_be48(time);
    bytes.add_be48(commit);
  }
  out.append(bytes.data.data(), bytes.size);
  return true;
}

void append_number(std::string& out, std::uint64_t v) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), v).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_varint(std::string& out, std::uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}

namespace {

constexpr std::uint64_t kContinued = 0x8080808080808080;

// The low 7 bits of each octet of `word`, put together.
std::uint64_t join_sevens(std::uint64_t word) {
  word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
  word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
  return (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
}

std::optional<std::uint64_t> read_long_varint(std::string_view& in) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < in.size() && i < 10; ++i) {
    const auto byte = static_cast<std::uint8_t>(in[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    v |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (byte == 0 && i > 0) return std::nullopt;
      in.remove_prefix(i + 1);
      return v;
    }
  }
  return std::nullopt;
}

}  // namespace

// Eight octets at once where there are so many, which end nearly every number.
std::optional<std::uint64_t> read_varint(std::string_view& in) {
  if (in.size() < sizeof(std::uint64_t)) return read_long_varint(in);
  const std::uint64_t word = little_endian_word(in);
  const std::uint64_t ends = ~word & kContinued;
  if (ends == 0) return read_long_varint(in);
  const int bits = std::countr_zero(ends) + 1;  // of the word that are the number's
  const std::uint64_t own = word & ~std::uint64_t{0} >> (64 - bits);
  if (bits > 8 && own >> (bits - 8) == 0) return std::nullopt;  // not the shortest form
  in.remove_prefix(static_cast<std::size_t>(bits / 8));
  return join_sevens(own);
}

void append_packed_version(std::string& out, std::string_view version) {
  if (append_structured(out, version)) return;
  out.push_back(static_cast<char>(kText));
  append_varint(out, version.size());
  out.append(version);
}

std::optional<std::string_view> read_packed_version(std::string_view& in) {
  std::string_view rest = in;
  if (rest.empty()) return std::nullopt;
  const auto form = static_cast<std::uint8_t>(rest.front());
  rest.remove_prefix(1);
  std::size_t tail = 0;
  if (form == kText) {
    const auto size = read_varint(rest);
    if (!size || *size > rest.size()) return std::nullopt;
    tail = static_cast<std::size_t>(*size);
  } else {
    const std::uint8_t kind = form & 0x0f;
    if ((form & ~(kIncompatible | 0x0f)) != 0 || kind == kText || kind > kPseudoPatch) {
      return std::nullopt;
    }
    // Numbers below 128 have an octet each.
    constexpr std::uint64_t kThreeContinued = 0x808080;
    if (rest.size() >= sizeof(std::uint64_t) && (little_endian_word(rest) & kThreeContinued) == 0) {
      rest.remove_prefix(3);
    } else {
      for (int i = 0; i < 3; ++i) {
        if (!read_varint(rest)) return std::nullopt;
      }
    }
    if (kind != kRelease) tail = kTailBytes;
  }
  if (rest.size() < tail) return std::nullopt;
  rest.remove_prefix(tail);
  const std::string_view packed = in.substr(0, in.size() - rest.size());
  in = rest;
  return packed;
}

std::optional<std::string> unpack_version(std::string_view packed) {
  std::string_view rest = packed;
  if (!read_packed_version(rest) || !rest.empty()) return std::nullopt;
  rest = packed.substr(1);
  const auto form = static_cast<std::uint8_t>(packed.front());
  if (form == kText) {
    (void)read_varint(rest);
    return std::string(rest);
  }
  std::string out = "v";
  for (int i = 0; i < 3; ++i) {
    if (i > 0) out.push_back('.');
    append_number(out, *read_varint(rest));
  }
  if ((form & 0x0f) != kRelease) {
    out.push_back('-');
    if ((form & 0x0f) == kPseudoPatch) out.append("0.");
    const std::uint64_t time = read_be48(rest);
    if (time >= kTimeLimit) return std::nullopt;
    std::string digits;
    append_number(digits, time);
    out.append(kTimeDigits - digits.size(), '0').append(digits).push_back('-');
    constexpr std::string_view kHex = "0123456789abcdef";
    const std::uint64_t commit = read_be48(rest.substr(6));
    for (int shift = 44; shift >= 0; shift -= 4) out.push_back(kHex[commit >> shift & 0xf]);
  }
  if ((form & kIncompatible) != 0) out.append(kIncompatibleSuffix);
  return out;
}

bool packed_is_pseudo(std::string_view packed) {
  const int kind = packed.empty() ? kText : static_cast<std::uint8_t>(packed.front()) & 0x0f;
  return kind == kPseudo || kind == kPseudoPatch;
}

}  // namespace gw::store
