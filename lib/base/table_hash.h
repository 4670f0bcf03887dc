// SipHash, a hash under a secret key, with 64 bits: places strangers' names in tables, and
// authenticates what is short (DNS cookies).
//
// Source: https://cr.yp.to/siphash/siphash-20120918.pdf
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gw {

// SipHash-each-end: so many rounds for each eight bytes, and at the end. The key is two numbers,
// each of eight bytes, the least significant first; so are the results.
template <int each, int end>
class SipHash {
 public:
  // `twist`: 0, or 0xee for 128 bits.
  SipHash(const std::array<std::uint64_t, 2>& key, std::string_view bytes, std::uint64_t twist)
      : v0_(key[0] ^ 0x736f6d6570736575ULL),
        v1_(key[1] ^ 0x646f72616e646f6dULL ^ twist),
        v2_(key[0] ^ 0x6c7967656e657261ULL),
        v3_(key[1] ^ 0x7465646279746573ULL) {
    const std::size_t whole = bytes.size() & ~std::size_t{7};
    for (std::size_t i = 0; i < whole; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, 8);
      if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
      add(word);
    }
    std::uint64_t last = std::uint64_t{bytes.size() & 0xff} << 56;
    for (std::size_t i = whole; i < bytes.size(); ++i) {
      last |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * (i - whole));
    }
    add(last);
  }
  // 0xff, or 0xee for the first half of 128 bits; then the other half.
  std::uint64_t first(std::uint64_t twist) {
    v2_ ^= twist;
    return finish();
  }
  std::uint64_t second() {
    v1_ ^= 0xdd;
    return finish();
  }

 private:
  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0_ += v1_, v1_ = std::rotl(v1_, 13) ^ v0_, v0_ = std::rotl(v0_, 32);
      v2_ += v3_, v3_ = std::rotl(v3_, 16) ^ v2_;
      v0_ += v3_, v3_ = std::rotl(v3_, 21) ^ v0_;
      v2_ += v1_, v1_ = std::rotl(v1_, 17) ^ v2_, v2_ = std::rotl(v2_, 32);
    }
  }
  void add(std::uint64_t word) {
    v3_ ^= word;
    rounds(each);
    v0_ ^= word;
  }
  std::uint64_t finish() {
    rounds(end);
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

template <int each, int end>
std::uint64_t siphash64(const std::array<std::uint64_t, 2>& key, std::string_view bytes) {
  return SipHash<each, end>(key, bytes, 0).first(0xff);
}

// SipHash-1-3: what hash tables under a secret key need, at half the price of SipHash-2-4 (which
// the signature cache keeps, since there the hash stands for the content).
inline std::uint64_t table_hash(const std::array<std::uint64_t, 2>& key, std::string_view bytes) {
  return siphash64<1, 3>(key, bytes);
}

// 128 bits of it: for tables that keep the hash in place of the name.
inline std::array<std::uint64_t, 2> wide_table_hash(const std::array<std::uint64_t, 2>& key,
                                                    std::string_view bytes) {
  SipHash<1, 3> hash(key, bytes, 0xee);
  const std::uint64_t first = hash.first(0xee);
  return {first, hash.second()};
}

}  // namespace gw
