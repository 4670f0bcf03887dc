// What a fuzz target is called and what it holds: a false condition ends the program, which is what
// fuzzers look for.
#pragma once

#include <cstdlib>

// The beginning of NAME's target, for libFuzzer; as tests all are in one program (replay_main.cc),
// and one unit, so that each is in a namespace of its own.
#ifdef GW_FUZZ_REPLAY
#define FUZZ_TARGET(name) extern "C" int gw_replay_##name
#else
#define FUZZ_TARGET(name) extern "C" int LLVMFuzzerTestOneInput
#endif

inline void require(bool ok) {
  if (!ok) std::abort();
}
