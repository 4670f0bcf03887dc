// Remembers which versions were reported, so that cron mails each of them once (`--state FILE`).
//
// The file is text, `NAME VERSION` a line (`NAME -`: what is to be noted of it;
// `NAME retracted:VERSION`, `NAME deprecated`: of what is had), sorted, replaced
// atomically, and may be edited; at most 100 versions a name are kept, the ones added last. A lock
// file beside it (FILE.lock; of a link, beside what it leads to) is held only while it is read or
// written: others wait for that, not for the questions in between, and what they added stays. Two
// calls at the same time may both report a version.
//
// Save only after the report has reached its reader: a crash in between reports a version again and
// never loses one.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "check/outcome.h"

namespace gw::check {

class Reported {
 public:
  // A file that does not exist is an empty one. kUsage: no regular file. kCorrupt: a line that is
  // none of ours, named by number; the file is left alone. With these nothing was made beside it.
  // kUnavailable: the lock was not to be had before the deadline. kIo.
  static Result<Reported> open(const std::string& path, MonoTime deadline);

  // Marks releases that were reported before, and sets each outcome's `newer`: a release that was
  // not counts as news when the caller had a version or another one was reported for its name.
  void mark(std::span<Outcome> outcomes) const;

  // The same for anything else that has a name and a version, of visible ASCII.
  bool knows(std::string_view name, std::string_view version) const;
  void add(std::string_view name, std::string_view version);

  // Adds the releases that are not marked, and writes the file when that changes anything.
  Status save(std::span<const Outcome> outcomes);

 private:
  using Versions = std::map<std::string, std::vector<std::string>>;  // oldest first

  explicit Reported(std::string path) : path_(std::move(path)) {}
  static Result<Versions> load(const std::string& path);
  // Whether that changes anything.
  static bool add_to(Versions& versions, const std::string& name, const std::string& version);

  std::string path_;
  Versions versions_;
  std::vector<std::pair<std::string, std::string>> added_;  // since the file was read
};

}  // namespace gw::check
