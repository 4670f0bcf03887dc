// How many requests one HTTP/2 connection gets at once: as many as the link carries in time.
//
// All streams of a connection share its link, so that each takes as much longer as there are
// others, while each has its own time. The number begins small, grows while responses are quick to
// come in and shrinks when they are not. Quick and slow are parts of the time that a request has.
//
// A server may send one response after the other, the newest first even, so that each comes in
// quickly and one waits for all others: the time before the first byte counts too, though less, for
// a server that thinks before it answers is to be asked as much at once as any.
//
// A value; one thread at a time.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace gw::net {

class StreamWindow {
 public:
  static constexpr unsigned kFirst = 8;

  unsigned size() const { return size_; }
  // What a response that came in whole took, from its first byte on and from its request on.
  struct Took {
    Duration receiving;
    Duration whole;
  };
  void done(const Took& took, Duration allowed, unsigned limit) {
    if (took.receiving < allowed / 20 && took.whole < allowed / 6) {
      size_ = std::min(size_ + 1, std::max(limit, 1U));
    } else if (took.receiving > allowed / 6 || took.whole > allowed / 3) {
      size_ = std::max(size_ - 1, 1U);
    }
  }
  // One ran out of time while the connection brought others.
  void late() { size_ = std::max(size_ / 2, 1U); }

 private:
  unsigned size_ = kFirst;
};

}  // namespace gw::net
