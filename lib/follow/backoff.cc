#include "follow/backoff.h"

#include <algorithm>
#include <cstdint>

#include "base/crypto.h"

namespace gw::follow {

Duration jittered(Duration interval) {
  std::uint32_t r = 0;
  random_bytes(&r, sizeof r);
  // In steps of a thousandth, from 0.9 to 1.1.
  return interval / 1000 * (900 + static_cast<std::int64_t>(r % 201));
}

Duration backoff(Duration first, int failures, Duration limit) {
  Duration pause = first;
  for (int i = 1; i < failures && pause < limit; ++i) pause *= 2;
  return jittered(std::min(pause, limit));
}

}  // namespace gw::follow
