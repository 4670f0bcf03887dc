// How long to wait: not all followers at the same second, and longer after each failure.
#pragma once

#include "base/clock.h"

namespace gw::follow {

// Between nine and eleven tenths of it.
Duration jittered(Duration interval);
// `first` doubled with each failure (counted from 1), at most `limit`, then jittered.
Duration backoff(Duration first, int failures, Duration limit);

}  // namespace gw::follow
