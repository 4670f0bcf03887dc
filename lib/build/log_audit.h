// All of a build log, checked: every record's hash, every tile of the tree, the signed root, and
// that no build has two records.
//
// The whole tree is computed from the records alone, and what the log serves is compared with it.
// Memory: 32 bytes a record for level 0, and each record's key.
//
// One thread. Errors: kUntrusted, naming the tile or record: the log is not what its head signs, or
// has two records of one build; else the source's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/source.h"

namespace gw::build {

// Gets everything that was verified so far: a record when its tile has its hash, which the head is
// to confirm in the end; files when the head did.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  // A record of a build; the text is that of tlog/build_log.h.
  virtual Status take_record(std::uint64_t number, const std::string& text) = 0;
  // A tile, by its path in either dialect.
  virtual Status take_file(const std::string& path, const std::string& bytes) = 0;
};

struct AuditedLog {
  std::uint64_t records = 0;
  std::uint64_t irregular = 0;  // of another form than a build's
  std::uint64_t tiles = 0;
};

// `head`: opened with the log's key; `before`: an earlier one, of which it must be a continuation.
Result<AuditedLog> audit_log(tlog::TileSource& source, const tlog::Checkpoint& head,
                             const std::optional<tlog::Checkpoint>& before, AuditSink& sink);

}  // namespace gw::build
