// Which paths to ask for to find a module's later majors: PATH/v2, PATH/v3, ...
//
// Majors are not always consecutive: a module can go from v76 to v78, or have its first go.mod at
// /v18 after +incompatible releases up to v17. So the walk begins after the major that is known
// already and ends only after kMostMissing paths in a row that have no release. It goes in rounds,
// each twice as far ahead, so that a name server far away costs few round trips.
//
//   MajorWalk walk(path, known);
//   while (auto paths = walk.next_round(); !paths.empty())
//     for each of them: walk.answered(whether it has a release);
//
// A value of one thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "module/path.h"

namespace gw::check {

class MajorWalk {
 public:
  // So many majors in a row without a release end it, ...
  static constexpr unsigned kMostMissing = 10;
  // ... and so many paths altogether: a zone with a wildcard has them all.
  static constexpr unsigned kMostAsked = 256;

  // Begins after the path's own major or that of `known` (canonical, or none).
  MajorWalk(mod::ModulePath path, const std::optional<std::string>& known);

  // The paths to ask for next, in order; empty when it is over.
  std::vector<mod::ModulePath> next_round();
  // What came of the next one of them.
  void answered(bool exists) { missing_ = exists ? 0 : missing_ + 1; }
  // The module's own path has this release: the next round begins after its major.
  void has_release(const std::string& version) { passed_ = version; }
  // The path is not to be asked for, nor any later one: its name would be too long.
  void stop() { next_.reset(); }

 private:
  mod::ModulePath path_;
  std::optional<mod::ModulePath> next_;
  std::optional<std::string> passed_;
  unsigned step_ = 4;
  unsigned missing_ = 0;
  unsigned asked_ = 0;
};

}  // namespace gw::check
