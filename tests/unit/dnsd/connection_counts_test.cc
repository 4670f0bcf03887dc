// Who may connect, and who has to go for that.
#include "dnsd/connection_counts.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "os/file.h"

namespace gw::dnsd {
namespace {

using Verdict = ConnectionCounts::Verdict;

const MonoTime kStart = MonoTime(std::chrono::hours(5));

std::string v4(int a, int b, int c, int d) {
  return {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(d)};
}

// 2001:db8:A:BC00::1, so that B tells one /48 by another and C one /56.
std::string v6(int a, int b, int c) {
  std::string ip("\x20\x01\x0d\xb8", 4);
  ip += static_cast<char>(a);
  ip += static_cast<char>(b);
  ip += static_cast<char>(c);
  ip += std::string(8, '\0');
  return ip + '\1';
}

struct Connections {
  explicit Connections(const TcpLimits& limits) : counts(limits) {}
  ~Connections() {
    for (auto& place : places) counts.remove(std::move(place));
  }
  Verdict add(const std::string& ip, MonoTime now) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    ours.emplace_back(ends[0]);
    theirs.emplace_back(ends[1]);
    std::unique_ptr<ConnectionCounts::Place> place;
    const Verdict verdict = counts.add(ip, ends[0], now, place);
    CHECK((place != nullptr) == (verdict == Verdict::kTaken));
    if (place) places.push_back(std::move(place));
    return verdict;
  }
  // Of those that were taken, in their order.
  bool ended(std::size_t i) const {
    char octet = 0;
    return ::recv(theirs[i].get(), &octet, 1, 0) == 0;
  }
  ConnectionCounts counts;
  std::vector<os::Fd> ours, theirs;
  std::vector<std::unique_ptr<ConnectionCounts::Place>> places;
};

TEST_CASE("the oldest connection makes room for the next one") {
  Connections all({.total = 3, .per_network = 100});
  for (int i = 0; i < 3; ++i) {
    CHECK(all.add(v4(192, 0, 2, i), kStart + std::chrono::milliseconds(i)) == Verdict::kTaken);
  }
  // None is old enough yet.
  CHECK(all.add(v4(192, 0, 2, 9), kStart + std::chrono::milliseconds(100)) == Verdict::kTooMany);
  all.ours.pop_back();
  all.theirs.pop_back();
  // The first one has asked since.
  all.places[0]->touch(kStart + std::chrono::milliseconds(50));
  CHECK(all.add(v4(192, 0, 2, 9), kStart + std::chrono::seconds(1)) == Verdict::kTaken);
  CHECK(all.ended(1));
  CHECK_FALSE(all.ended(0));
  CHECK(all.counts.total() == 3);
  CHECK(all.add(v4(192, 0, 2, 9), kStart + std::chrono::seconds(1)) == Verdict::kTaken);
  CHECK(all.ended(2));
  // Given back, an ended one is not counted a second time.
  all.counts.remove(std::move(all.places[1]));
  all.places.erase(all.places.begin() + 1);
  CHECK(all.counts.total() == 3);
  CHECK(all.counts.end_oldest(kStart + std::chrono::seconds(1)));
  CHECK(all.ended(0));
  CHECK(all.counts.total() == 2);
  CHECK_FALSE(all.counts.end_oldest(kStart + std::chrono::seconds(1)));
}

TEST_CASE("networks of several sizes have their limits") {
  Connections all({.total = 1000, .per_network = 2});
  const MonoTime now = kStart;
  SECTION("IPv4") {
    CHECK(all.add(v4(192, 0, 2, 1), now) == Verdict::kTaken);
    CHECK(all.add(v4(192, 0, 2, 2), now) == Verdict::kTaken);
    CHECK(all.add(v4(192, 0, 2, 3), now) == Verdict::kTooManyOfNetwork);
    // Four times as many in the /16.
    for (int i = 10; i < 16; ++i) CHECK(all.add(v4(192, 0, i, 1), now) == Verdict::kTaken);
    CHECK(all.add(v4(192, 0, 99, 1), now) == Verdict::kTooManyOfNetwork);
    CHECK(all.add(v4(192, 1, 99, 1), now) == Verdict::kTaken);
  }
  SECTION("IPv6") {
    CHECK(all.add(v6(1, 1, 1), now) == Verdict::kTaken);
    CHECK(all.add(v6(1, 1, 1), now) == Verdict::kTaken);
    CHECK(all.add(v6(1, 1, 1), now) == Verdict::kTooManyOfNetwork);
    // Twice as many in the /48, four times in the /32.
    CHECK(all.add(v6(1, 1, 2), now) == Verdict::kTaken);
    CHECK(all.add(v6(1, 1, 3), now) == Verdict::kTaken);
    CHECK(all.add(v6(1, 1, 4), now) == Verdict::kTooManyOfNetwork);
    for (int i = 2; i < 6; ++i) CHECK(all.add(v6(1, i, 1), now) == Verdict::kTaken);
    CHECK(all.add(v6(9, 9, 1), now) == Verdict::kTooManyOfNetwork);
    // The oldest of that network goes, and not one of another.
    all.places[0]->touch(now - std::chrono::seconds(9));
    CHECK(all.add(v6(1, 1, 4), now) == Verdict::kTaken);
    CHECK(all.ended(0));
  }
}

}  // namespace
}  // namespace gw::dnsd
