// Has one of these files changed? The kernel tells (inotify), so that nothing looks for it in vain.
//
// What is watched is the directory of each file, for the file's name in it: so a file that is
// written to, replaced by rename, removed or that comes into being is noticed alike. The kernel
// tells nothing of what others do to a network file system, and of a path through links only what
// happens at its end: add() refuses both, and the caller looks for itself.
//
// An event says "look", not what happened. One thread at a time.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "os/file.h"

namespace gw::os {

class FileWatch {
 public:
  // kIo when the kernel has no descriptor or instance left.
  static Result<FileWatch> make();

  // Watches `file`, which need not exist, from now on; once more for the same path is cheap and
  // finds its directory again if that was replaced. False: its changes would not be told.
  bool add(const std::string& file);

  // Readable when there is something to drain(): for poll(2).
  int fd() const { return inotify_.get(); }
  // Takes what was told since the last time. True when a watched file may have changed.
  bool drain();

 private:
  explicit FileWatch(Fd inotify) : inotify_(std::move(inotify)) {}

  Fd inotify_;
  std::map<int, std::set<std::string>> names_;  // by the directory's watch
};

}  // namespace gw::os
