// The directory in which builds keep what can be used again, and work.
//
//   download/    verified modules, in a module proxy's layout
//   sumdb/NAME/  proofs of their sums, and the log's head
//   toolchains/  unpacked ones
//   std/         Go's standard library, compiled for each toolchain and target
//   packages/    what a module's builds compiled, for builds of the same version
//   logs/        the last build log of each key
//   work/        a private directory of each call, gone at its end
//
// Everything in it is compared with the checksum database, or with its hash, whenever it is used:
// whoever removes some of it loses time and nothing else. Several processes may use one cache.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "build/key.h"
#include "os/dir.h"
#include "os/file.h"

namespace gw::build {

// A directory to work in, locked as long as this lives; removed with it.
class WorkDirectory {
 public:
  WorkDirectory(WorkDirectory&& o) noexcept;
  WorkDirectory& operator=(WorkDirectory&&) = delete;
  ~WorkDirectory();
  // Empty at first.
  const std::string& path() const { return path_; }
  // Below Cache::kNumbers; of those that are at work in a cache each has another, as long as there
  // are enough.
  unsigned number() const { return number_; }

 private:
  friend class Cache;
  WorkDirectory(os::Dir parent, os::Fd lock, std::string name, std::string path)
      : parent_(std::move(parent)),
        lock_(std::move(lock)),
        name_(std::move(name)),
        path_(std::move(path)) {}
  os::Dir parent_;
  os::Fd lock_;
  std::string name_;  // empty: moved from
  std::string path_;
  os::Fd number_lock_;
  unsigned number_ = 0;
};

class Cache {
 public:
  // Made when it is not there (its parent, too). kIo.
  static Result<Cache> open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string download() const { return path_ + "/download"; }
  std::string toolchains() const { return path_ + "/toolchains"; }
  std::string standard_library() const { return path_ + "/std"; }
  std::string packages() const { return path_ + "/packages"; }
  // Of private_modules.h.
  std::string first_seen() const { return path_ + "/first-seen"; }
  // The directory of a checksum database, made if need be.
  Result<std::string> sums(const std::string& log_name) const;

  static constexpr unsigned kNumbers = 14;
  // Removes what calls that were killed have left, first. `second`: builds again, to compare; its
  // number is odd, others' are even.
  Result<WorkDirectory> make_work(bool second = false) const;

  // Keeps a build's log in the place of the one before; returns its path.
  Result<std::string> keep_log(const Key& key, std::string_view text) const;

 private:
  Result<WorkDirectory> new_work(bool second) const;

  Cache(std::string path, os::Dir dir) : path_(std::move(path)), dir_(std::move(dir)) {}
  std::string path_;
  os::Dir dir_;
};

}  // namespace gw::build
