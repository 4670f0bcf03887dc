// How many TCP connections there may be, over all workers, and which one goes when there are too
// many: the one whose last question is longest ago, whatever it holds on to. A stranger who fills
// the places up, by connections that ask nothing, half a question or never read, then fills them
// with his own oldest ones, and who asks is served. However young: a question comes with its
// connection, within far less time than it takes to fill the places, and an age at which none goes
// would be one at which a flood locks everybody else out.
//
// Counted are all connections together and those of an address's networks of several sizes: one /24
// or /56, and with more room the /16, /48 and /32 around it, of which one owner has many smaller.
//
// Any thread. A connection is ended by shutdown(2), which its own worker then sees; its place is
// free at once. Costs: one lock when a connection comes and goes, none when it asks; a scan of all
// when there are too many.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace gw::dnsd {

struct TcpLimits {
  unsigned total = 1000;
  unsigned per_network = 100;
  std::chrono::seconds idle{10};
};

class ConnectionCounts {
 public:
  enum class Verdict { kTaken, kTooMany };

  // What a connection holds while it counts. Only add() makes one.
  class Place {
   public:
    // It has asked.
    void touch(MonoTime now) {
      since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    }

   private:
    friend class ConnectionCounts;
    Place(std::string_view ip_bytes, int fd, MonoTime now) : ip_(ip_bytes), fd_(fd) { touch(now); }
    const std::string ip_;
    const int fd_;
    std::atomic<std::int64_t> since_;
    std::size_t index_ = 0;  // these two under the counts' mutex
    bool ended_ = false;
  };

  explicit ConnectionCounts(const TcpLimits& limits) : limits_(limits) {}
  const TcpLimits& limits() const { return limits_; }

  // Counts the connection `fd`, after ending an older one if need be. kTooMany: too many that were
  // ended still have their descriptors. The place is to be given back before `fd` is closed.
  Verdict add(std::string_view ip_bytes, int fd, MonoTime now, std::unique_ptr<Place>& place);
  void remove(std::unique_ptr<Place> place);
  // Ends the oldest connection, for its descriptor; false when all have asked within half a second:
  // whoever else lacks descriptors takes each one that becomes free.
  bool end_oldest(MonoTime now);
  unsigned total() const;

 private:
  bool make_room(std::string_view prefix, MonoTime latest_time) GW_REQUIRES(mutex_);
  void count(const Place& place, int by) GW_REQUIRES(mutex_);

  const TcpLimits limits_;
  mutable Mutex mutex_;
  unsigned total_ GW_GUARDED_BY(mutex_) = 0;
  std::vector<Place*> places_ GW_GUARDED_BY(mutex_);  // ended ones, too
  std::unordered_map<std::string, unsigned> networks_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::dnsd
