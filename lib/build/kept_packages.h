// Compiled packages of one origin, kept for later builds: entries of the go command's build cache.
//
// The go command believes whatever is in its build cache, so no build may write what another one
// reads: each has a private cache, into which entries are copied. A manifest has the hash of every
// file; what does not fit it is an error, not a miss: somebody edited it.
//
//   NAME/index   of each file a line: SHA-256, its name in GOCACHE (HASH-a, HASH-d), pack, offset,
//                size; with blanks between them
//   NAME/pack-N  files behind each other, a pack for each build that added some
//
// One file for many, so that they are on the disk with one fsync: a cache of a thousand small ones
// would need as many, or a syncfs(), which writes out all that builds are about to throw away.
//
// There are two kinds. Go's standard library (build/std_cache.h) was compiled where no module was
// seen, and is for all. What a module's own builds compiled is for builds of the same version of
// that module only: whatever it could do to its cache, it does to itself.
//
// One thread; several processes may share a directory, and who finds it being written adds nothing.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "build/key.h"
#include "os/dir.h"

namespace gw::build {

// Its time is that of the last use.
inline constexpr const char* kPackagesManifest = "index";

class KeptPackages {
 public:
  // `directory` exists; `name`: one element.
  KeptPackages(std::string directory, std::string name)
      : directory_(std::move(directory)), name_(std::move(name)) {}

  // Copies what there is into the build cache `to`, where files that are there stay. kUntrusted:
  // something was changed since it was kept. Else what kept it from reading.
  Status copy_to(const os::Dir& to) const;

  // Adds what the build cache `from` has, but `without`.
  Status add_from(const os::Dir& from, const std::set<std::string>& without) const;

  // Entries that are kept.
  Result<std::set<std::string>> names() const;

 private:
  std::string directory_;
  std::string name_;
};

// Moves the entries of one build cache into another one of the same file system, where files that
// are there stay: for a cache that nothing reads any more.
Status move_entries(const os::Dir& from, const os::Dir& to);

// The name for what builds of the key's module, version and target compiled with the toolchain,
// which is told as Toolchain::kept_as does.
std::string kept_module_name(const Key& key, std::string_view toolchain);

}  // namespace gw::build
