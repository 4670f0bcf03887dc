#include "dnsd/connection_counts.h"

#include <sys/socket.h>

#include <array>

#include "base/metrics.h"
#include "dnsd/rate_limit.h"

namespace gw::dnsd {

namespace {

constexpr std::chrono::milliseconds kLeastAge{500};
constexpr std::size_t kMostEnded = 128;

// A network around an address: its octets, and how many times the limit of the smallest it may
// have.
struct Around {
  std::string_view prefix;
  unsigned times;
};

std::array<Around, 3> networks_around(std::string_view ip_bytes) {
  const std::string_view network = network_of(ip_bytes);
  if (network.size() == 3) return {{{network, 1}, {network.substr(0, 2), 4}, {{}, 0}}};
  return {{{network, 1}, {network.substr(0, 6), 2}, {network.substr(0, 4), 4}}};
}

}  // namespace

void ConnectionCounts::count(const Place& place, int by) {
  total_ += static_cast<unsigned>(by);
  for (const Around& around : networks_around(place.ip_)) {
    if (around.times == 0) continue;
    const auto it = networks_.try_emplace(std::string(around.prefix), 0).first;
    it->second += static_cast<unsigned>(by);
    if (it->second == 0) networks_.erase(it);
  }
}

// Ends the oldest connection of these networks, of all when the prefix is empty, if its last
// question was not after `latest`.
bool ConnectionCounts::make_room(std::string_view prefix, MonoTime latest_time) {
  const std::int64_t latest = latest_time.time_since_epoch().count();
  Place* oldest = nullptr;
  std::int64_t oldest_since = 0;
  for (Place* place : places_) {
    const std::int64_t since = place->since_.load(std::memory_order_relaxed);
    if (place->ended_ || since > latest || (oldest != nullptr && since >= oldest_since)) continue;
    if (!prefix.empty()) {
      const std::string_view network = network_of(place->ip_);
      const bool same_family = (network.size() == 3) == (prefix.size() <= 3);
      if (!same_family || !network.starts_with(prefix)) continue;
    }
    oldest = place;
    oldest_since = since;
  }
  if (oldest == nullptr) return false;
  oldest->ended_ = true;
  count(*oldest, -1);
  ::shutdown(oldest->fd_, SHUT_RDWR);
  return true;
}

ConnectionCounts::Verdict ConnectionCounts::add(std::string_view ip_bytes, int fd, MonoTime now,
                                                std::unique_ptr<Place>& place) {
  const MutexLock lock(mutex_);
  if (places_.size() - total_ >= kMostEnded) return Verdict::kTooMany;
  for (const Around& around : networks_around(ip_bytes)) {
    if (around.times == 0) continue;
    const auto it = networks_.find(std::string(around.prefix));
    if (it == networks_.end() || it->second < limits_.per_network * around.times) continue;
    if (!make_room(around.prefix, MonoTime::max())) return Verdict::kTooMany;
    metric_add(Metric::kServeTcpRefused, RefusalReason::kNetwork);
  }
  if (total_ >= limits_.total) {
    if (!make_room({}, MonoTime::max())) return Verdict::kTooMany;
    metric_add(Metric::kServeTcpRefused, RefusalReason::kTotal);
  }
  place.reset(new Place(ip_bytes, fd, now));
  place->index_ = places_.size();
  places_.push_back(place.get());
  count(*place, 1);
  return Verdict::kTaken;
}

void ConnectionCounts::remove(std::unique_ptr<Place> place) {
  const MutexLock lock(mutex_);
  if (!place->ended_) count(*place, -1);
  places_[place->index_] = places_.back();
  places_[place->index_]->index_ = place->index_;
  places_.pop_back();
}

bool ConnectionCounts::end_oldest(MonoTime now) {
  const MutexLock lock(mutex_);
  return make_room({}, now - kLeastAge);
}

unsigned ConnectionCounts::total() const {
  const MutexLock lock(mutex_);
  return total_;
}

}  // namespace gw::dnsd
