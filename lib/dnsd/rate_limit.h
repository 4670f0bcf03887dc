// How much a stranger may cost us.
//
// Two limits, both the generic cell rate algorithm, which keeps one number a client: the time at
// which it would have used up its allowance.
//  - RateLimiter: UDP answers of one kind to one network (/24, /56) in a second. The source of a
//    query over UDP may be forged, so that the answers hit a victim: over the limit most are
//    dropped, and every second one is sent truncated (the slip), by which a real client comes back
//    over TCP.
//    What is said about a name that exists, that it has no such record, too, counts by that name,
//    since only repeating one name is suspicious: a resolver that minimises its questions (RFC
//    9156) asks for each name above those that it wants. Missing names and errors count together,
//    since their names are the sender's free choice.
//    They are asked before a fresh signature is made, so that what is not sent costs none.
//  - Budget: fresh signatures of the whole server in a second, so that a flood of random names from
//    everywhere leaves time for the answers that need none. A share of it is for what was asked for
//    before (AskedBefore): a flood asks for each name once, and a client asks again.
//
// The table has a fixed size and is shared by all workers: a lookup is one cache line and one
// compare-and-swap. Networks that collide share the fate of the more active one for a moment. Any
// thread. Times are microseconds of a clock that never goes back.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace gw::dnsd {

// The address's network: the first three octets of an IPv4 address, the first seven of an IPv6 one
// (IPv4-mapped ones are IPv4).
std::string_view network_of(std::string_view ip_bytes);

class Budget {
 public:
  // `rate` a second, with bursts of `burst`; rate 0: no limit.
  Budget(std::uint32_t rate, std::uint32_t burst) { set(rate, burst); }
  // While no other thread uses it.
  void set(std::uint32_t rate, std::uint32_t burst);
  bool take(std::uint64_t now_us);

 private:
  std::uint64_t interval_ns_ = 0;
  std::uint64_t allowance_ns_ = 0;
  std::atomic<std::uint64_t> used_until_{0};
};

// What was asked for in the last seconds or minutes, depending on how much that was: 18 bits of a
// hash say where, 16 others what was there last. Any thread.
class AskedBefore {
 public:
  AskedBefore() : tags_(std::make_unique<Tags>()) {}
  // Whether it was; from now on it was.
  bool again(const std::array<std::uint64_t, 2>& hash) {
    const auto tag = static_cast<std::uint16_t>(hash[1] | 1);
    std::atomic<std::uint16_t>& there = (*tags_)[hash[0] % kTags];
    if (there.load(std::memory_order_relaxed) == tag) return true;
    there.store(tag, std::memory_order_relaxed);
    return false;
  }

 private:
  static constexpr std::size_t kTags = 1U << 18;  // 512 KB
  using Tags = std::array<std::atomic<std::uint16_t>, kTags>;
  std::unique_ptr<Tags> tags_;
};

class RateLimiter {
 public:
  enum class Verdict { kSend, kTruncate, kDrop };
  enum class Class : std::uint8_t { kNamed, kMissing, kError };

  // `rate`: answers of one class a second and network; 0: no limit.
  explicit RateLimiter(std::uint32_t rate);

  bool limits() const { return interval_us_ != 0; }
  // `name`: what answers of kNamed are told apart by; empty for the other classes.
  Verdict check(std::string_view ip_bytes, Class kind, std::string_view name, std::uint64_t now_us);

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kLines = 1U << 13;  // 512 KB
  // 20 bits of the hash, 44 bits of the time in microseconds until which the allowance is used.
  struct alignas(64) Line {
    std::array<std::atomic<std::uint64_t>, kWays> cells{};
  };

  std::uint64_t interval_us_;
  std::uint64_t allowance_us_;
  std::array<std::uint64_t, 2> hash_key_;
  std::unique_ptr<std::array<Line, kLines>> lines_;
};

}  // namespace gw::dnsd
