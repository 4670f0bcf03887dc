// Keeps a cache of builds below a size: what was used longest ago goes first.
//
// Whole toolchains, kept packages of a toolchain and target or of a module's version, modules'
// files and build logs are taken away, each at once and only when nobody uses it; proofs and heads
// are small and stay. Whatever goes is fetched, unpacked or compiled again when it is needed.
//
// The time of the last use is that of a file: of a toolchain's lock, a manifest, or the file
// itself. Any thread; beside any number of processes that use the cache.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace gw::build {

struct CacheTrim {
  std::uint64_t max_bytes = 0;
  // Modules stay, whatever their size: a log of builds can be proven and rebuilt as long as they
  // are there, also when their authors' copies are gone.
  bool keep_modules = false;
};

// What is left, in bytes. What cannot be removed is told when all else is done.
Result<std::uint64_t> trim_cache(const std::string& cache, const CacheTrim& trim);

// ---- for who uses what is in the cache ----

// So that it counts as used now.
void touch_used(int fd);

}  // namespace gw::build
