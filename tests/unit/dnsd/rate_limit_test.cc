#include "dnsd/rate_limit.h"

#include <catch2/catch.hpp>
#include <string>

namespace gw::dnsd {
namespace {

using LimitVerdict = RateLimiter::Verdict;
using Class = RateLimiter::Class;
constexpr std::uint64_t kSecond = 1'000'000;

std::string ip(int a, int b, int c, int d) {
  return {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(d)};
}

struct Count {
  int sent = 0, truncated = 0, dropped = 0;
};
Count ask(RateLimiter& limiter, const std::string& from, Class kind, std::string_view name,
          std::uint64_t start, int n, std::uint64_t every) {
  Count c;
  for (int i = 0; i < n; ++i) {
    switch (limiter.check(from, kind, name, start + static_cast<std::uint64_t>(i) * every)) {
      case LimitVerdict::kSend:
        ++c.sent;
        break;
      case LimitVerdict::kTruncate:
        ++c.truncated;
        break;
      case LimitVerdict::kDrop:
        ++c.dropped;
        break;
    }
  }
  return c;
}

TEST_CASE("networks") {
  CHECK(network_of(ip(192, 0, 2, 77)) == ip(192, 0, 2, 0).substr(0, 3));
  const std::string v6 = std::string("\x20\x01\x0d\xb8\0\1\2\3", 8) + std::string(8, 'x');
  CHECK(network_of(v6) == v6.substr(0, 7));
  const std::string mapped = std::string(10, '\0') + "\xff\xff" + ip(192, 0, 2, 1);
  CHECK(network_of(mapped) == network_of(ip(192, 0, 2, 9)));
}

TEST_CASE("a second's worth goes out, then every second one truncated") {
  RateLimiter limiter(100);
  auto c = ask(limiter, ip(192, 0, 2, 1), Class::kMissing, "", 5 * kSecond, 1000, 10);
  CHECK(c.sent >= 100);
  CHECK(c.sent <= 102);
  CHECK(std::abs(c.truncated - c.dropped) <= 1);
  // A network is one client, another one is another, and so is another kind of answer.
  CHECK(limiter.check(ip(192, 0, 2, 200), Class::kMissing, "", 5 * kSecond + 9'000) !=
        LimitVerdict::kSend);
  CHECK(limiter.check(ip(192, 0, 3, 1), Class::kMissing, "", 5 * kSecond + 9'000) ==
        LimitVerdict::kSend);
  CHECK(limiter.check(ip(192, 0, 2, 1), Class::kError, "", 5 * kSecond + 9'000) ==
        LimitVerdict::kSend);
  CHECK(limiter.check(ip(192, 0, 2, 1), Class::kNamed, "a", 5 * kSecond + 9'000) ==
        LimitVerdict::kSend);
  // Missing names have no name at all where they are made.
  CHECK(limiter.check(ip(192, 0, 2, 1), Class::kMissing, {}, 5 * kSecond + 9'000) !=
        LimitVerdict::kSend);
  // And it recovers.
  c = ask(limiter, ip(192, 0, 2, 1), Class::kMissing, "", 7 * kSecond, 100, 10);
  CHECK(c.sent >= 99);
}

TEST_CASE("at the rate nothing is held back, above it the rate goes out") {
  RateLimiter limiter(100);
  CHECK(ask(limiter, ip(10, 0, 0, 1), Class::kNamed, "n", kSecond, 5000, 10'000).sent == 5000);
  const auto c = ask(limiter, ip(10, 0, 1, 1), Class::kNamed, "n", kSecond, 10'000, 1000);
  CHECK(c.sent >= 1050);  // ten seconds of 100, and the burst
  CHECK(c.sent <= 1110);
}

TEST_CASE("different names are no repetition") {
  RateLimiter limiter(10);
  int sent = 0;
  for (int i = 0; i < 1000; ++i) {
    sent += limiter.check(ip(10, 0, 0, 1), Class::kNamed, std::to_string(i), kSecond) ==
                    LimitVerdict::kSend
                ? 1
                : 0;
  }
  CHECK(sent == 1000);
}

TEST_CASE("a flood from everywhere does not use up memory, nor free the worst") {
  RateLimiter limiter(10);
  const std::string worst = ip(203, 0, 113, 1);
  ask(limiter, worst, Class::kMissing, "", kSecond, 100, 1);
  for (int i = 0; i < 30'000; ++i) {
    limiter.check(ip(10, i >> 8, i & 255, 1), Class::kMissing, "", kSecond + 100);
  }
  CHECK(limiter.check(worst, Class::kMissing, "", kSecond + 200) != LimitVerdict::kSend);
}

TEST_CASE("no limit") {
  RateLimiter limiter(0);
  CHECK_FALSE(limiter.limits());
  CHECK(ask(limiter, ip(1, 2, 3, 4), Class::kError, "", 0, 1000, 0).sent == 1000);
}

TEST_CASE("a budget") {
  Budget budget(100, 10);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) taken += budget.take(kSecond) ? 1 : 0;
  CHECK(taken == 10);
  CHECK_FALSE(budget.take(kSecond + 9'000));
  CHECK(budget.take(kSecond + 10'000));
  CHECK_FALSE(budget.take(kSecond + 10'000));
  taken = 0;
  for (int i = 0; i < 10'000; ++i)
    taken += budget.take(2 * kSecond + static_cast<unsigned>(i) * 1000) ? 1 : 0;
  CHECK(taken >= 1000);
  CHECK(taken <= 1010);
  Budget none(0, 0);
  for (int i = 0; i < 1000; ++i) REQUIRE(none.take(0));
}

}  // namespace
}  // namespace gw::dnsd
