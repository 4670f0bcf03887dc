// Module versions in a few bytes.
//
// Many of a Go log's versions are pseudo-versions, 33 bytes and more of text whose content is a
// time and a commit; packed they are 16 bytes, and a release is 4. Every string can be packed: what
// is no canonical version of a known form is kept as its text behind its length, so packing loses
// nothing and is one to one (a round trip is exact, and equal bytes mean equal versions). A packed
// version ends by itself.
//
//   form byte  0 text          varint length, bytes
//              1 release       vMAJOR.MINOR.PATCH                          three varints
//              2 pseudo        release + -yyyymmddhhmmss-abcdefabcdef      + 6 bytes + 6 bytes
//              3 pseudo patch  release + -0.yyyymmddhhmmss-abcdefabcdef    + 6 bytes + 6 bytes
//   + 0x10     the same followed by +incompatible
// A varint is 7 bits a byte, low bits first, high bit set on all but the last, shortest form only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gw::store {

void append_varint(std::string& out, std::uint64_t v);
// Consumes one varint from the front; none when it is cut, over-long or over 64 bits.
std::optional<std::uint64_t> read_varint(std::string_view& in);

void append_packed_version(std::string& out, std::string_view version);
// Consumes one packed version from the front and returns its bytes; none when it is malformed.
std::optional<std::string_view> read_packed_version(std::string_view& in);
// The text of one packed version (all of `packed`); none when it is malformed.
std::optional<std::string> unpack_version(std::string_view packed);
// True for the forms that only pseudo-versions have (not for every pseudo-version: some are text).
bool packed_is_pseudo(std::string_view packed);

}  // namespace gw::store
