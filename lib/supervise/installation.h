// Where a service's binary lies, and how another one takes its place: by one rename of a link.
//
//   svc -> svc-v0.1.0-go1.26.8          the link that is replaced: the last one of the chain
//          svc-v0.1.1-go1.26.8          a new file beside it, there as a whole or not at all
//
// Whenever the machine stops, the link is there and leads to a whole file: the old one or the new.
// A plain file gets a second name first, and is then replaced by a link to that.
//
// One thread. Errors name the file; kIo, kUntrusted for a binary that is not what was asked for.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"
#include "build/key.h"
#include "os/dir.h"

namespace gw::supervise {

// As the specification of updates has it: NAME-VERSION-GOVERSION[-stripped], NAME of a path that
// ends in /v2 being the element before that.
std::string file_name(const build::Key& key);
std::string base_name(const build::Key& key);  // NAME alone

// Of a whole file, wherever its position is. kIo.
Result<Hash> hash_of(int fd);

class Installation;

// A binary on its way in: no name, and no use, until finish().
class Incoming {
 public:
  // kUntrusted for a byte too many.
  Status write(std::string_view bytes);
  // The file's name beside the link. kUntrusted: fewer bytes, another sum, or the binary says that
  // it is another one; nothing is left then.
  Result<std::string> finish();
  // After that: somebody's file of the same bytes was there already, and is what has the name.
  bool was_there() const { return was_there_; }

 private:
  friend class Installation;
  Incoming(const Installation& installation, os::NewFile file, build::Key key, std::uint64_t size,
           std::string sum)
      : installation_(installation),
        file_(std::move(file)),
        key_(std::move(key)),
        size_(size),
        sum_(std::move(sum)) {}
  const Installation& installation_;
  os::NewFile file_;
  const build::Key key_;
  const std::uint64_t size_;
  const std::string sum_;
  std::uint64_t written_ = 0;
  bool was_there_ = false;
  Sha256 hash_;
};

class Installation {
 public:
  // Follows `command`'s links. kNotFound: nothing is there. kUsage: it is no file, or no path with
  // a slash.
  static Result<Installation> find(const std::string& command);

  // The file's name, in directory().
  const std::string& current() const { return current_; }
  const std::string& directory() const { return path_; }
  std::string path_of(const std::string& name) const;
  // Why nothing can be installed here; empty: it can.
  std::string why_fixed() const;
  // What the current file, whose key this is, will be called after a switch.
  std::string kept_name(const build::Key& key) const;

  Result<os::Fd> open(const std::string& name) const;
  bool has(const std::string& name) const;

  // Room for all of it is taken at once (kIo: the disk is full). Mode, owner, capabilities and
  // label are those of the current file; kUsage: its capabilities cannot be given to another.
  Result<std::unique_ptr<Incoming>> receive(const build::Key& key, std::uint64_t size,
                                            std::string sum) const;

  // Does what of switch_to() can be done while the old version still runs, so that it is down for
  // one rename; discard() undoes it.
  Status prepare(const std::string& name, const std::string& kept);
  void discard();
  // Durable when it returns; on an error the link is what it was, or the new one: current() says
  // which. `kept`: as kept_name() said.
  Status switch_to(const std::string& name, const std::string& kept);
  // `name` is what runs from now on, though the link leads elsewhere and cannot be moved.
  void run_beside_link(const std::string& name) { current_ = name; }
  // Not the current one, nor the link. One that is not there is none.
  Status remove(const std::string& name) const;
  // What a crash left: temporary links to files that we know.
  Status sweep(const std::vector<std::string>& known) const;

  // The sum as records have it. Read again only when the file is another one, or was written to
  // since (inode, size, and times that no program can set): a start does not wait for it. kIo.
  Result<std::string> sum_of(const std::string& name) const;

 private:
  friend class Incoming;
  Installation(os::Dir dir, std::string path, std::string link, std::string current, bool is_link)
      : dir_(std::move(dir)),
        path_(std::move(path)),
        link_(std::move(link)),
        current_(std::move(current)),
        is_link_(is_link) {}
  Result<std::string> free_name(const std::string& name, const std::string& sum, bool& same) const;
  Status take_after_current(int fd) const;

  os::Dir dir_;
  std::string path_;  // for messages and exec
  std::string link_;
  std::string current_;
  bool is_link_;
  struct Seen {
    struct stat info {};
    std::string sum;
  };
  mutable std::map<std::string, Seen> seen_;
  std::string prepared_;      // a link that waits to be renamed; empty: none
  std::string prepared_for_;  // the name that it leads to
};

}  // namespace gw::supervise
