// Whether a database at rest is what it was when it was written: for a disk, a copy or a backup
// that may have damaged it.
//
// SQLite's own check knows its pages and not what is in them. So, one on top of the other: its
// check; the signed heads, each verified with the log's key; the tree, from the stored level-1
// entries and the hashes of the last tile, whose roots must be those that the heads sign; where
// records are kept, every record hashed into that tree; every module's versions, of which each
// record number is there once and only once, and whose summary must be the one that is served.
//
// What a database of versions alone cannot show, it says: roots between two tiles.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace gw::store {

struct DatabaseFindings {
  std::uint64_t heads = 0;    // whose signature is good
  std::uint64_t roots = 0;    // of these, whose tree was made anew from what is stored
  std::uint64_t records = 0;  // that were found, each once
  std::uint64_t hashed = 0;   // of these, whose text was hashed into the tree
  std::uint64_t modules = 0;
  std::vector<std::string> faults;  // at most kMostFaults; none: nothing is wrong
};
inline constexpr std::size_t kMostFaults = 20;

// Reads one commit of it while others may write. kUnavailable when `go_on`, which is called now and
// then and may be empty, says no; kNotFound, kUsage, kIo as Reader::open(). Memory: a bit a record.
Result<DatabaseFindings> check_database(const std::string& path,
                                        const std::function<bool()>& go_on = nullptr);

}  // namespace gw::store
