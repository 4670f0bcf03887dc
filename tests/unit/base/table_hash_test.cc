#include "base/table_hash.h"

#include <array>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gw {
namespace {

TEST_CASE("SipHash-1-3 of 00 01 02 ... under the key 00 .. 0f") {
  const std::array<std::uint64_t, 2> key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  const std::vector<std::pair<int, std::uint64_t>> vectors = {
      {0, 0xabac0158050fc4dcULL}, {1, 0xc9f49bf37d57ca93ULL},  {7, 0xd3927d989bb11140ULL},
      {8, 0x369095118d299a8eULL}, {15, 0xd320d86d2a519956ULL}, {63, 0x9d199062b7bbb3a8ULL}};
  for (const auto& [size, hash] : vectors) {
    std::string message;
    for (int i = 0; i < size; ++i) message.push_back(static_cast<char>(i));
    CHECK(table_hash(key, message) == hash);
  }
}

// Made by an implementation that gives SipHash-2-4's published vectors, too.
TEST_CASE("SipHash-1-3 with 128 bits") {
  const std::array<std::uint64_t, 2> key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  const std::vector<std::pair<int, std::array<std::uint64_t, 2>>> vectors = {
      {0, {0xbea58827b2bc7ee7ULL, 0x013030dd6adb62fdULL}},
      {1, {0xa8edd36004376ffcULL, 0x63f02f2bcc73055eULL}},
      {8, {0xb4dae3d5e1fe12aaULL, 0x99c7f935ab164f72ULL}},
      {63, {0x6f42fe4ee300584cULL, 0xad6052a70a6b9f07ULL}}};
  for (const auto& [size, hash] : vectors) {
    std::string message;
    for (int i = 0; i < size; ++i) message.push_back(static_cast<char>(i));
    CHECK(wide_table_hash(key, message) == hash);
  }
}

TEST_CASE("every bit of the message and the key matters") {
  const std::array<std::uint64_t, 2> key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  std::set<std::uint64_t> seen;
  std::string message;
  for (int i = 0; i < 64; ++i) {
    seen.insert(table_hash(key, message));
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
      std::string other = message;
      other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
      seen.insert(table_hash(key, other));
    }
    message.push_back(static_cast<char>(i));
  }
  CHECK(seen.size() == 64 + 8 * 63 * 64 / 2);
  CHECK(table_hash(key, "abc") != table_hash({key[0] ^ 1, key[1]}, "abc"));
  CHECK(table_hash(key, "abc") != table_hash({key[0], key[1] ^ 1}, "abc"));
}

}  // namespace
}  // namespace gw
