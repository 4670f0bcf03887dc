#include "dnsd/rate_limit.h"

#include <algorithm>
#include <cstddef>

#include "base/crypto.h"
#include "base/table_hash.h"

namespace gw::dnsd {

std::string_view network_of(std::string_view ip_bytes) {
  constexpr std::string_view kMapped{"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12};
  if (ip_bytes.size() == 16 && ip_bytes.starts_with(kMapped)) ip_bytes.remove_prefix(12);
  return ip_bytes.substr(0, ip_bytes.size() == 4 ? 3 : 7);
}

void Budget::set(std::uint32_t rate, std::uint32_t burst) {
  interval_ns_ = rate == 0 ? 0 : 1'000'000'000ULL / rate;
  allowance_ns_ = interval_ns_ * std::max<std::uint32_t>(burst, 1);
}

bool Budget::take(std::uint64_t now_us) {
  if (interval_ns_ == 0) return true;
  const std::uint64_t now = now_us * 1000;
  std::uint64_t used = used_until_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t next = std::max(used, now) + interval_ns_;
    if (next > now + allowance_ns_) return false;
    if (used_until_.compare_exchange_weak(used, next, std::memory_order_relaxed)) return true;
  }
}

namespace {

constexpr unsigned kTimeBits = 44;  // 203 days of microseconds, then they wrap
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;

}  // namespace

// A burst of a second's worth: resolvers ask in bursts.
RateLimiter::RateLimiter(std::uint32_t rate)
    : interval_us_(rate == 0 ? 0 : std::max<std::uint64_t>(1'000'000 / rate, 1)),
      allowance_us_(interval_us_ * rate) {
  random_bytes(hash_key_.data(), sizeof(hash_key_));
  if (limits()) lines_ = std::make_unique<std::array<Line, kLines>>();
}

RateLimiter::Verdict RateLimiter::check(std::string_view ip_bytes, Class kind,
                                        std::string_view name, std::uint64_t now_us) {
  if (!limits()) return Verdict::kSend;
  std::array<char, 8 + 256> id;
  const std::string_view network = network_of(ip_bytes);
  id[0] = static_cast<char>(kind);
  std::size_t size = 1;
  size += network.copy(id.data() + size, id.size() - size);
  size += name.copy(id.data() + size, id.size() - size);
  const std::uint64_t hash = table_hash(hash_key_, {id.data(), size});
  const std::uint64_t tag = hash & ~kTimeMask;
  const std::uint64_t now = now_us & kTimeMask;
  Line& line = (*lines_)[hash % kLines];

  // The cell with our tag, else the one that has been idle longest.
  std::size_t best = 0;
  std::uint64_t best_until = kTimeMask;
  std::uint64_t until = now;
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < kWays; ++i) {
    const std::uint64_t w = line.cells[i].load(std::memory_order_relaxed);
    const bool ours = w != 0 && (w & ~kTimeMask) == tag;
    if (ours || (w & kTimeMask) < best_until) {
      best = i;
      best_until = w & kTimeMask;
      word = w;
    }
    if (ours) {
      // A time further ahead than the allowance can bring it is from before the clock wrapped.
      if (best_until <= now + 2 * allowance_us_ + interval_us_) until = std::max(best_until, now);
      break;
    }
  }
  if (until + interval_us_ <= now + allowance_us_) {
    // Losing the race to another worker lets one answer too many through, which does not matter.
    line.cells[best].compare_exchange_strong(word, tag | ((until + interval_us_) & kTimeMask),
                                             std::memory_order_relaxed);
    return Verdict::kSend;
  }
  // Every second one, by the lowest bit of a time that moves on with each refusal; it must not move
  // far, or a client that keeps asking would never be heard again.
  const std::uint64_t moved = (until ^ 1) & kTimeMask;
  line.cells[best].compare_exchange_strong(word, tag | moved, std::memory_order_relaxed);
  return (moved & 1) != 0 ? Verdict::kTruncate : Verdict::kDrop;
}

}  // namespace gw::dnsd
