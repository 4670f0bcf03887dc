#include "base/bytes.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"

namespace gw {

template <class T>
std::optional<T> ByteReader::integer() {
  if (data_.size() < sizeof(T)) return std::nullopt;
  T v = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    v = static_cast<T>((static_cast<std::uint64_t>(v) << 8U) | static_cast<std::uint8_t>(data_[i]));
  }
  data_.remove_prefix(sizeof(T));
  return v;
}

std::optional<std::uint8_t> ByteReader::u8() { return integer<std::uint8_t>(); }
std::optional<std::uint16_t> ByteReader::u16() { return integer<std::uint16_t>(); }
std::optional<std::uint32_t> ByteReader::u32() { return integer<std::uint32_t>(); }
std::optional<std::uint64_t> ByteReader::u64() { return integer<std::uint64_t>(); }

std::optional<std::string_view> ByteReader::bytes(std::size_t n) {
  if (data_.size() < n) return std::nullopt;
  std::string_view out = data_.substr(0, n);
  data_.remove_prefix(n);
  return out;
}

namespace {

template <class T>
void append_integer(std::string& out, T v) {
  for (std::size_t i = sizeof(T); i-- > 0;) {
    out.push_back(static_cast<char>((static_cast<std::uint64_t>(v) >> (8 * i)) & 0xff));
  }
}

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_reverse(std::string_view alphabet) {
  std::array<std::int8_t, 256> t{};
  for (auto& v : t) v = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    t[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return t;
}
constexpr auto kBase64Reverse = make_reverse(kBase64);

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void append_u8(std::string& out, std::uint8_t v) { append_integer(out, v); }
void append_u16(std::string& out, std::uint16_t v) { append_integer(out, v); }
void append_u32(std::string& out, std::uint32_t v) { append_integer(out, v); }
void append_u64(std::string& out, std::uint64_t v) { append_integer(out, v); }

std::string encode_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    auto b = static_cast<std::uint8_t>(c);
    out.push_back(kHexDigits[b >> 4U]);
    out.push_back(kHexDigits[b & 15U]);
  }
  return out;
}

std::optional<std::string> decode_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int hi = hex_value(text[i]);
    const int lo = hex_value(text[i + 1]);
    if (hi < 0 || lo < 0) return std::nullopt;
    out.push_back(static_cast<char>(hi * 16 + lo));
  }
  return out;
}

std::string encode_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  char* to = out.data();
  for (std::size_t i = 0; i < bytes.size(); i += 3, to += 4) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    const char* const from = bytes.data() + i;
    std::uint32_t v = std::uint32_t{static_cast<std::uint8_t>(from[0])} << 16U;
    if (n > 1) v |= std::uint32_t{static_cast<std::uint8_t>(from[1])} << 8U;
    if (n > 2) v |= std::uint32_t{static_cast<std::uint8_t>(from[2])};
    to[0] = kBase64[(v >> 18U) & 63U];
    to[1] = kBase64[(v >> 12U) & 63U];
    if (n > 1) to[2] = kBase64[(v >> 6U) & 63U];
    if (n > 2) to[3] = kBase64[v & 63U];
  }
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t pad = 0;
  while (pad < 2 && pad < text.size() && text[text.size() - 1 - pad] == '=') ++pad;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t n = i + 4 == text.size() ? 4 - pad : 4;  // characters that carry bits
    std::uint32_t v = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const int d = j < n ? kBase64Reverse[static_cast<std::uint8_t>(text[i + j])] : 0;
      if (d < 0) return std::nullopt;
      v = (v << 6U) | static_cast<std::uint32_t>(d);
    }
    if ((n == 3 && (v & 0xffU) != 0) || (n == 2 && (v & 0xffffU) != 0)) return std::nullopt;
    out.push_back(static_cast<char>((v >> 16U) & 0xff));
    if (n > 2) out.push_back(static_cast<char>((v >> 8U) & 0xff));
    if (n > 3) out.push_back(static_cast<char>(v & 0xff));
  }
  return out;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t v = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    if (__builtin_mul_overflow(v, std::uint64_t{10}, &v)) return std::nullopt;
    if (__builtin_add_overflow(v, static_cast<std::uint64_t>(c - '0'), &v)) return std::nullopt;
  }
  return v;
}

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

std::string Quoted::operator()(std::string_view text, std::size_t max) const {
  std::string out = "\"";
  for (const char c : text.substr(0, max)) {
    auto b = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (b < 0x20 || b >= 0x7f) {
      out += "\\x";
      out += encode_hex(std::string_view(&c, 1));
    } else {
      out.push_back(c);
    }
  }
  out += text.size() > max ? "\"..." : "\"";
  return out;
}

}  // namespace gw
