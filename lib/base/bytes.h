// Bytes from outside, read within bounds, and their text encodings.
//
// Bytes are std::string / std::string_view throughout gwtool: a view never owns, so it must not
// outlive its source. Every decoder here is strict: one spelling per value, anything else is
// refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gw {

// Reads big-endian integers and slices off the front of a view. After the first read past the end
// every further read fails; nothing is consumed by a failed read.
class ByteReader {
 public:
  explicit ByteReader(std::string_view data) : data_(data) {}

  std::size_t remaining() const { return data_.size(); }
  bool empty() const { return data_.empty(); }
  std::string_view rest() const { return data_; }

  std::optional<std::uint8_t> u8();
  std::optional<std::uint16_t> u16();
  std::optional<std::uint32_t> u32();
  std::optional<std::uint64_t> u64();
  std::optional<std::string_view> bytes(std::size_t n);

 private:
  template <class T>
  std::optional<T> integer();
  std::string_view data_;
};

void append_u8(std::string& out, std::uint8_t v);
void append_u16(std::string& out, std::uint16_t v);
void append_u32(std::string& out, std::uint32_t v);
void append_u64(std::string& out, std::uint64_t v);

// Lower-case hex. decode_hex takes both cases.
std::string encode_hex(std::string_view bytes);
std::optional<std::string> decode_hex(std::string_view text);

// RFC 4648 section 4, padded. decode_base64 takes the canonical spelling only: padding present, no
// white space, unused bits zero.
std::string encode_base64(std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);

// Canonical decimal: no sign, no leading zero, fits in 64 bits.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// Writes all of it, however many calls that takes: 0, or the errno that stopped it.
int write_all(int fd, std::string_view bytes);

// `text` with control characters, quotes and non-ASCII bytes as \xNN, for messages about untrusted
// input; at most `max` bytes of it, then "...". An object, because a function of this name would
// lose to std::quoted wherever <iomanip> is known and the text is a std::string.
struct Quoted {
  std::string operator()(std::string_view text, std::size_t max = 200) const;
};
inline constexpr Quoted quoted;

}  // namespace gw
