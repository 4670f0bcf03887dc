// Remembers which versions were reported, so that cron mails each of them once (`--state FILE`).
//
// The file is text, `NAME VERSION` a line (`NAME -`: what is to be noted of it), sorted, replaced
// atomically, and may be edited; at most
// 100 versions a name are kept, the ones added last. A lock file beside it (FILE.lock; of a link,
// beside what it leads to) is held as long as this object lives: two calls at a time would report
// the same version twice.
//
// Save only after the report has reached its reader: a crash in between reports a version again and
// never loses one.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "check/outcome.h"
#include "os/file.h"

namespace gw::check {

class Reported {
 public:
  // A file that does not exist is an empty one. kUsage: no regular file; nothing was made beside it
  // then. kUnavailable: another call holds the lock.
  // kCorrupt: a line that is none of ours, named by number; the file is left alone. kIo.
  static Result<Reported> open(const std::string& path);

  // Marks releases that were reported before, and sets each outcome's `newer`: a release that was
  // not counts as news when the caller had a version or another one was reported for its name.
  void mark(std::span<Outcome> outcomes) const;

  // The same for anything else that has a name and a version, of visible ASCII.
  bool knows(std::string_view name, std::string_view version) const;
  void add(std::string_view name, std::string_view version);

  // Adds the releases that are not marked, and writes the file when that changes anything.
  Status save(std::span<const Outcome> outcomes);

 private:
  Reported(std::string path, os::LockFile lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  os::LockFile lock_;
  bool changed_ = false;
  std::map<std::string, std::vector<std::string>> versions_;  // oldest first
};

}  // namespace gw::check
