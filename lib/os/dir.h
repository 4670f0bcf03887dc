// Files by their directory, not by a path that somebody may change meanwhile.
//
// A Dir is an open directory. What is named in it is found by the kernel beneath it and nowhere
// else: no "..", no absolute path, no symbolic link, no mount of somebody. New files appear under
// their name when they are whole and on the disk, or not at all.
//
// Names are single ones (no slash) unless a parameter says `path`. Any thread; a Dir may be shared,
// as its directory is never read through the shared position. Errors name what was tried, not the
// whole path, which a Dir does not know: callers add it. kNotFound, kUsage (a name that is none, or
// exists already), kIo; kUntrusted: a path that leads out of the directory.
//
// Sources: openat2(2) (os/open_beneath.h), open(2) O_TMPFILE, linkat(2), renameat2(2), flock(2).
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/file.h"

namespace gw::os {

class Dir;

// A file without a name yet, writable. Gone with this object unless it was published.
class NewFile {
 public:
  NewFile(NewFile&& o) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  int fd() const { return fd_.get(); }
  Status write(std::string_view data) const;  // appends

  // Both make the file durable, give it the name and make that durable; the descriptor is closed,
  // so that a program can be run (ETXTBSY). publish: kUsage when the name is taken.
  Status publish(const std::string& name);
  Status replace(const std::string& name);

 private:
  friend class Dir;
  NewFile(Fd dir, Fd fd, std::string name)
      : dir_(std::move(dir)), fd_(std::move(fd)), name_(std::move(name)) {}
  Status link_as(const std::string& name);
  Fd dir_;
  Fd fd_;
  std::string name_;  // where the file system knows no nameless files
};

class Dir {
 public:
  struct Entry {
    std::string name;
    bool is_directory = false;
    bool is_link = false;
  };

  // A directory by its path: links in it are followed, or refused (kUntrusted).
  static Result<Dir> open(const std::string& path);
  static Result<Dir> open_without_links(const std::string& path);
  explicit Dir(Fd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }

  // Beneath this one, through several directories, never through a link.
  Result<Dir> open_dir(const std::string& path) const;
  Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0) const;
  Result<std::string> read_file(const std::string& path, std::size_t max_bytes) const;

  // The directory, made if it was not there.
  Result<Dir> make_dir(const std::string& name, mode_t mode) const;
  Result<NewFile> new_file(mode_t mode) const;

  // What has that name; a link itself. Nothing when nothing has.
  Result<std::optional<struct stat>> find(const std::string& name) const;
  Result<std::string> read_link(const std::string& name) const;
  // At most `max`; more is kIo. Sorted.
  Result<std::vector<Entry>> list(std::size_t max = 1U << 20) const;

  Status rename(const std::string& from, const std::string& to) const;      // replaces
  Status rename_new(const std::string& from, const std::string& to) const;  // kUsage: it exists
  Status link(const std::string& from, const std::string& to) const;        // kUsage: it exists
  Status symlink(const std::string& target, const std::string& name) const;
  Status unlink(const std::string& name) const;
  // A directory and all in it, also where it may not be written (as Go's module cache is). Links
  // are removed, not followed, and what is mounted in it is an error. One that is not there is
  // none.
  Status remove_tree(const std::string& name) const;

  // Makes names durable: new, renamed and removed ones.
  Status sync() const;

  // Held until the descriptor is closed, by all that share it. kUnavailable: somebody else holds
  // it. The file is made if need be.
  Result<Fd> lock(const std::string& name) const;
  // Held with others that share it; waits for whoever has it alone.
  Result<Fd> lock_shared(const std::string& name) const;

 private:
  Result<Fd> open_beneath(const std::string& path, int flags, mode_t mode) const;
  Fd fd_;
};

}  // namespace gw::os
