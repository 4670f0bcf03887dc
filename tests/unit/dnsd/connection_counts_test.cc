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
  // The first one has asked since. The others are as young, which spares none of them.
  all.places[0]->touch(kStart + std::chrono::milliseconds(50));
  CHECK(all.add(v4(192, 0, 2, 9), kStart + std::chrono::milliseconds(51)) == Verdict::kTaken);
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
  // For a descriptor none goes that has just asked.
  CHECK_FALSE(all.counts.end_oldest(kStart + std::chrono::milliseconds(550)));
}

TEST_CASE("who never asks is ended by those after it, and asks nobody to wait") {
  Connections all({.total = 100, .per_network = 100});
  for (int i = 0; i < 220; ++i) CHECK(all.add(v4(192, i, 2, 1), kStart) == Verdict::kTaken);
  CHECK(all.counts.total() == 100);
  CHECK(all.ended(119));
  CHECK_FALSE(all.ended(120));
  // Their descriptors are not free before their workers have seen it: what is open is bounded.
  for (int i = 0; i < 8; ++i) CHECK(all.add(v4(198, i, 2, 1), kStart) == Verdict::kTaken);
  CHECK(all.add(v4(198, 51, 2, 1), kStart) == Verdict::kTooMany);
  all.counts.remove(std::move(all.places[0]));
  all.places.erase(all.places.begin());
  CHECK(all.add(v4(198, 51, 2, 1), kStart) == Verdict::kTaken);
}

TEST_CASE("networks of several sizes have their limits") {
  Connections all({.total = 1000, .per_network = 2});
  const MonoTime now = kStart;
  // Takes the connection, whose network is full or not, and tells which one went for it; -1: none.
  const auto goes = [&](const std::string& ip) {
    std::vector<bool> before;
    for (std::size_t i = 0; i < all.theirs.size(); ++i) before.push_back(all.ended(i));
    CHECK(all.add(ip, now + std::chrono::milliseconds(all.places.size())) == Verdict::kTaken);
    int gone = -1;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] || !all.ended(i)) continue;
      CHECK(gone == -1);
      gone = static_cast<int>(i);
    }
    return gone;
  };
  SECTION("IPv4") {
    CHECK(goes(v4(198, 51, 100, 1)) == -1);
    CHECK(goes(v4(192, 0, 2, 1)) == -1);
    CHECK(goes(v4(192, 0, 2, 2)) == -1);
    CHECK(goes(v4(192, 0, 2, 3)) == 1);  // not the oldest of all
    // Four times as many in the /16.
    for (int i = 10; i < 16; ++i) CHECK(goes(v4(192, 0, i, 1)) == -1);
    CHECK(goes(v4(192, 0, 99, 1)) == 2);
    CHECK(goes(v4(192, 1, 99, 1)) == -1);
  }
  SECTION("IPv6") {
    CHECK(goes(v6(9, 9, 9)) == -1);
    CHECK(goes(v6(1, 1, 1)) == -1);
    CHECK(goes(v6(1, 1, 1)) == -1);
    CHECK(goes(v6(1, 1, 1)) == 1);
    // Twice as many in the /48, four times in the /32.
    CHECK(goes(v6(1, 1, 2)) == -1);
    CHECK(goes(v6(1, 1, 3)) == -1);
    CHECK(goes(v6(1, 1, 4)) == 2);
    for (int i = 2; i < 5; ++i) CHECK(goes(v6(1, i, 1)) == -1);
    CHECK(goes(v6(7, 9, 1)) == 0);  // the /32's oldest
    CHECK(goes(v4(192, 0, 2, 1)) == -1);
  }
}

}  // namespace
}  // namespace gw::dnsd
