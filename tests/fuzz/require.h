// What a fuzz target holds: a false condition ends the program, which is what fuzzers look for.
#pragma once

#include <cstdlib>

inline void require(bool ok) {
  if (!ok) std::abort();
}
