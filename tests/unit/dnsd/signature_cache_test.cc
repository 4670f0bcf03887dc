#include "dnsd/signature_cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "base/crypto.h"

namespace gw::dnsd {
namespace {

SignatureCache::Key key(std::uint64_t n) {
  return siphash128({1, 2}, {reinterpret_cast<const char*>(&n), sizeof(n)});
}

Signature signature(std::uint64_t n, std::uint32_t expiration) {
  Signature s;
  s.inception = expiration - 1000;
  s.expiration = expiration;
  for (std::size_t i = 0; i < s.bytes.size(); ++i) {
    s.bytes[i] = static_cast<std::uint8_t>(n * 7 + i);
  }
  return s;
}

TEST_CASE("signatures are found by the whole key") {
  SignatureCache cache(1 << 20);
  Signature out;
  CHECK_FALSE(cache.find(key(1), out));
  cache.insert(key(1), signature(1, 5000), 0);
  REQUIRE(cache.find(key(1), out));
  CHECK(out.bytes == signature(1, 5000).bytes);
  CHECK(out.inception == 4000);
  CHECK(out.expiration == 5000);
  auto half = key(1);
  half[1] ^= 1;  // the same bucket, the same first half
  CHECK_FALSE(cache.find(half, out));
  cache.insert(key(1), signature(2, 6000), 0);
  REQUIRE(cache.find(key(1), out));
  CHECK(out.expiration == 6000);
  // A key whose first half is zero is a key like any other.
  cache.insert({0, 42}, signature(3, 7000), 0);
  REQUIRE(cache.find({0, 42}, out));
  CHECK(out.expiration == 7000);
}

TEST_CASE("memory is bounded, eviction spares what is used") {
  SignatureCache cache(64 << 10);
  const std::uint64_t n = cache.capacity();
  CHECK(n * 91 <= (64 << 10));
  Signature out;
  for (std::uint64_t i = 0; i < n / 4; ++i) cache.insert(key(i), signature(i, 5000), 0);
  // Names that are asked for, under a flood of ten times the capacity of names that are not.
  std::uint64_t hot = 0;
  for (std::uint64_t flood = 0; flood < 10 * n; ++flood) {
    if (flood % 8 == 0) {
      for (std::uint64_t i = 0; i < 8; ++i) (void)cache.find(key((flood + i) % (n / 4)), out);
    }
    cache.insert(key(1'000'000 + flood), signature(flood, 5000), 0);
  }
  for (std::uint64_t i = 0; i < n / 4; ++i) hot += cache.find(key(i), out) ? 1 : 0;
  CHECK(hot > n / 4 * 8 / 10);
}

TEST_CASE("the expired go first") {
  SignatureCache cache(1);  // one bucket
  REQUIRE(cache.capacity() == 7);
  Signature out;
  for (std::uint64_t i = 0; i < 7; ++i) {
    cache.insert(key(i), signature(i, i == 3 ? 100 : 5000), 0);
    CHECK(cache.find(key(i), out));
  }
  cache.insert(key(100), signature(100, 5000), 200);
  CHECK_FALSE(cache.find(key(3), out));
  for (std::uint64_t i : {0, 1, 2, 4, 5, 6, 100}) CHECK(cache.find(key(i), out));
}

TEST_CASE("a reader never gets half a signature") {
  SignatureCache cache(1);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> torn{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < 2; ++w) {
    threads.emplace_back([&, w] {
      for (std::uint64_t i = 0; !done; ++i) {
        const std::uint64_t n = (i * 2 + static_cast<std::uint64_t>(w)) % 11;
        cache.insert(key(n), signature(n, static_cast<std::uint32_t>(5000 + n)), 0);
      }
    });
  }
  for (int i = 0; i < 400'000; ++i) {
    const std::uint64_t n = static_cast<std::uint64_t>(i) % 11;
    Signature out;
    if (!cache.find(key(n), out)) continue;
    ++hits;
    if (out.bytes != signature(n, 0).bytes || out.expiration != 5000 + n) ++torn;
  }
  done = true;
  for (auto& t : threads) t.join();
  CHECK(torn == 0);
}

}  // namespace
}  // namespace gw::dnsd
