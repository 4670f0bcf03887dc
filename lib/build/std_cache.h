// Go's compiled standard library, kept for each toolchain and target: most of the work of a build
// that starts with nothing.
//
// What is kept here was compiled by a toolchain of known content alone, in a cache of its own where
// no module was ever seen, and is copied into each build's private cache (build/kept_packages.h),
// below std/TOOLCHAIN-GOOS-GOARCH, where TOOLCHAIN is what Toolchain::kept_as says.
//
// Only what builds needed is compiled and kept. Threads and processes as there.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "build/target.h"
#include "os/dir.h"

namespace gw::build {

class StdCache {
 public:
  // So many toolchains and targets are kept, those that were used last: some 100 MB each.
  static constexpr std::size_t kMaxKept = 12;

  // `directory` exists.
  StdCache(std::string directory, std::string toolchain)
      : directory_(std::move(directory)), toolchain_(std::move(toolchain)) {}

  // Copies what there is for the target into the build cache `to`, where files
  // that are there stay. kUntrusted: something was changed since it was kept.
  Status copy_to(const os::Dir& to, const Target& target) const;

  // Entries that are kept for it.
  Result<std::set<std::string>> names(const Target& target) const;

  // Adds what the build cache `from` has; nothing but the toolchain may have been compiled there.
  Status add_from(const os::Dir& from, const Target& target) const;

 private:
  std::string name(const Target& target) const;
  Status sweep(const os::Dir& top) const;
  std::string directory_;
  std::string toolchain_;
};

// Packages of the standard library among those that the go command would compile, of what it prints
// with -n; without those that it finds by itself under vendor/.
std::vector<std::string> std_packages(std::string_view output);

}  // namespace gw::build
