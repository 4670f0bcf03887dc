// What a module's DNS answer is made of: a summary of its versions, kept up to date record by
// record.
//
// A module has at most a few versions worth serving (the highest release of each major) out of
// possibly thousands. +incompatible ones count as for the go command (cmd/go/internal/modload,
// filterVersions): only when the newest compatible version has no go.mod, or there is none. That
// one may be a prerelease, which is kept for this alone.
//
// The summary keeps exactly what can still matter, so one add() per record is enough, in any order
// of records, and the store keeps it as one short text per module: `v1.2.3=17 v0.9.1=4`, highest
// major first, the +incompatible ones after the others, a prerelease above all compatible releases
// in front. A `!` behind an entry says that the version has no go.mod. Adding is O(entries) with a
// handful of entries; reading the text back for an answer (ServedReleases) allocates nothing.
//
// Prereleases, pseudo-versions and what is not canonical semver are no releases. Of equal versions
// the lowest record number stays. Objects belong to one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "module/goversion.h"

namespace gw::mod {

struct ReleaseEntry {
  std::string version;
  std::uint64_t record = 0;
  bool no_gomod = false;
  bool operator==(const ReleaseEntry&) const = default;
};

// More majors than fit in an answer of 255 bytes are not kept (the highest ones are).
inline constexpr std::size_t kMaxMajors = 16;

class ReleaseSummary {
 public:
  // The inverse of format(); kCorrupt for anything format() would not write.
  static Result<ReleaseSummary> parse(std::string_view text);
  std::string format() const;

  // `no_gomod`: the version is known to have none. True when the summary changed.
  bool add(std::string_view version, std::uint64_t record, bool no_gomod = false);

  bool empty() const { return plain_.empty() && incompatible_.empty(); }

 private:
  bool add_ahead(std::string_view version, std::uint64_t record, bool no_gomod);
  bool drop_overtaken();
  std::vector<ReleaseEntry> plain_;         // one a major, highest first
  std::vector<ReleaseEntry> incompatible_;  // likewise
  // The newest prerelease of v0 or v1, when it is above all of plain_.
  std::optional<ReleaseEntry> ahead_;
};

// Walks the served entries of a formatted summary without allocating (of a toolchain summary: cur,
// prev and next, as far as they exist; which is which, parse() tells):
//   ServedReleases it(text);
//   while (auto e = it.next()) ... e->version, e->record ...
// Stops silently at malformed text: use parse() where that matters.
class ServedReleases {
 public:
  struct Entry {
    std::string_view version;
    std::uint64_t record;
    bool no_gomod = false;
  };
  explicit ServedReleases(std::string_view text);
  std::optional<Entry> next();

 private:
  std::string_view rest_;
  std::string_view then_;  // what comes after it
};

// The same for module golang.org/toolchain: cur = highest release, prev = highest release of the
// next lower minor that has one, next = highest rc or beta above cur. A Go version has a record for
// each platform; the lowest number is the one kept. Text: `go1.25.6=93 go1.24.12=71 go1.26rc2=99`.
class ToolchainSummary {
 public:
  static Result<ToolchainSummary> parse(std::string_view text);
  std::string format() const;

  // `version` as in the log: `v0.0.1-go1.26.8.linux-amd64`; others are ignored. True when the
  // summary changed.
  bool add(std::string_view version, std::uint64_t record);
  // The same with the Go version alone.
  bool add_go(std::string_view go_version, std::uint64_t record);

  // version.empty() where there is none. `next` may stand alone when there is no release yet.
  ReleaseEntry cur() const;
  ReleaseEntry prev() const;
  ReleaseEntry next() const;

 private:
  struct Kept {
    GoVersion order;
    ReleaseEntry entry;
  };
  // The highest releases of the two highest minors, and the highest rc or beta above both.
  std::array<std::optional<Kept>, 2> releases_;
  std::optional<Kept> prerelease_;
};

}  // namespace gw::mod
