// Time behind a seam: nothing above this header reads the system's clock.
//
// WallTime is Unix time in UTC, for signatures, records and logs; MonoTime never jumps, for
// deadlines and intervals. A Clock may be used from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gw {

using WallTime = std::chrono::sys_seconds;
using MonoTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual MonoTime mono() const = 0;
};

// The real clock; lives for ever.
const Clock& system_clock();

// A clock that stands still until told otherwise, for tests.
class FakeClock : public Clock {
 public:
  explicit FakeClock(WallTime now) : now_(now) {}
  WallTime now() const override { return now_; }
  MonoTime mono() const override { return mono_; }
  void advance(std::chrono::seconds by) {
    now_ += by;
    mono_ += by;
  }

 private:
  WallTime now_;
  MonoTime mono_{};
};

inline std::int64_t to_unix(WallTime t) { return t.time_since_epoch().count(); }
inline WallTime from_unix(std::int64_t s) { return WallTime(std::chrono::seconds(s)); }

// RFC 3339 in UTC: "2026-11-22T21:20:00Z".
std::string format_rfc3339(WallTime t);
// Any RFC 3339 time, with fractions of a second (dropped) and any offset. Nothing for what is none:
// also no 30th of February, no 24:00, no leap second.
std::optional<WallTime> parse_rfc3339(std::string_view text);
// UTC; nothing when there is no such day or time.
std::optional<WallTime> make_time(int year, unsigned month, unsigned day, unsigned hour,
                                  unsigned minute, unsigned second);

}  // namespace gw
