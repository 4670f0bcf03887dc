// Files that survive a crash.
//
// write_file_atomic: temporary file in the same directory, write, fsync, rename, fsync of the
// directory; a crash leaves the old file or the new one, and at worst a `.NAME.tmp-*` beside it,
// which a later call takes away.
// Every error names the path. Safe from any thread unless two write the same path.
//
// What is replaced or locked may lie in a directory of somebody else's, and root may be told to do
// it: links are followed only when they are ours or root's, and nothing but a regular file is ever
// opened for it, so that nobody's device, pipe or password file is what gets written.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace gw::os {

// Owns a file descriptor; -1 is none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& o) noexcept : fd_(o.release()) {}
  Fd& operator=(Fd&& o) noexcept;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// The whole file; kNotFound when there is none, kIo when it is larger than `max_bytes` or cannot be
// read.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

// A regular file to read, links followed. kNotFound; kUsage when it is something else, which is
// neither waited for (a pipe) nor read.
Result<Fd> open_regular_file(const std::string& path);
// All of one, as read_file().
Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes);

// The file to write for `path`: links are followed, and what is there, if anything, is a regular
// file. kUsage when it is not, when a link is neither ours nor root's, or when the directory does
// not exist. Makes and opens nothing: for a start, before anything is done.
Result<std::string> file_to_write(const std::string& path);

// To file_to_write(path). A file that is there keeps its mode and, as far as we may, its owner; a
// new one gets `mode` less the umask.
Status write_file_atomic(const std::string& path, std::string_view data, mode_t mode);

// Creates the file (O_EXCL); kUsage when it exists already. Fsynced with its directory. Its mode is
// `mode` less the umask, which takes nothing from the owner.
Status create_file(const std::string& path, std::string_view data, mode_t mode);

bool file_exists(const std::string& path);

// The directory that the path's last name is in.
std::string directory_of(const std::string& path);
// Behind all links.
bool is_regular_file(const std::string& path);
bool is_directory(const std::string& path);

// An advisory lock held as long as this object lives. The file, which stays, holds the holder's
// pid. Only who may write the file can lock it, which is its owner: a lock that readers could take
// would let anybody stop us. Nothing else is taken for one: no link, no file with a second name or
// other contents, and as root none in a directory that somebody else may write, who could change it
// under us.
class LockFile {
 public:
  // kUnavailable with the holder's pid when somebody else holds it, and still does at
  // `deadline`. kUsage: what is there is no lock file, or we are root and the directory is another
  // user's.
  static Result<LockFile> acquire(const std::string& path, MonoTime deadline = MonoTime::min());

  // For a start that is refused: takes the file away again if acquire() made it. The lock is held
  // until the object is gone, and acquire() takes no file that was removed meanwhile.
  void remove_if_new();

 private:
  static Result<LockFile> try_once(const std::string& path, bool* busy);
  LockFile(Fd fd, std::string path, bool made)
      : fd_(std::move(fd)), path_(std::move(path)), made_(made) {}
  Fd fd_;
  std::string path_;
  bool made_ = false;
};

// What is free for us on the path's file system.
Result<std::uint64_t> free_bytes(const std::string& path);

// Where the file really is, whatever links lead there: also for one that does not exist yet, in a
// directory that does, and for a link to such a one. Unchanged when that cannot be told.
std::string real_path(const std::string& path);

}  // namespace gw::os
