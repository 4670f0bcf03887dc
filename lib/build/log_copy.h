// A build log as static files, for any web server, CDN or object store: the log in both dialects,
// each record's lookup, and beside it records and binaries under their pages' paths.
//
//   DIR/tlog/latest, checkpoint, tile/…, lookup/KEY/index.html
//   DIR/KEY/SUM/record, FILE, FILE.gz
//
// Files appear whole, and the head last: at any moment what is there is a log under its head. A
// later copy into the same directory adds what is new; a head that is not of one history with the
// one that is there is refused before anything is written.
//
// A binary that is not the record's bytes is left out, and told. One that is there already is taken
// for what it is when it has the record's size, and read only when that is asked for; what is
// another is written anew, or removed where the source has no good one either.
//
// One thread. Errors: as LogClient and audit_log(); kIo.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "build/log_audit.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/source.h"

namespace gw::build {

// The bytes of a build's binary, packed or not; kNotFound: it is not to be had, and is left out.
using BinaryBytes = std::function<Result<std::string>(const std::string& record, bool packed)>;

struct CopyOptions {
  std::string directory;
  std::string checkpoint = {};  // the second dialect's note of the same head; empty: none
  BinaryBytes binaries = {};    // null: none are copied
  bool check_binaries = false;  // read those that are there, too
};

struct CopiedLog {
  AuditedLog log;
  std::uint64_t written = 0;  // files that were not there, or others
  std::uint64_t binaries_missing = 0;
  // Keys whose directory is named like another build's page: files cannot have both.
  std::uint64_t left_out = 0;
  // Paths of binaries that are not what was logged, here or there, with no good one to replace
  // them: the directory has none of them any more.
  std::vector<std::string> damaged;
};

// `key`: the log's, which the head in the directory must have.
Result<CopiedLog> copy_log(tlog::TileSource& source, const tlog::Checkpoint& head,
                           const tlog::VerifierKey& key, const CopyOptions& options);

}  // namespace gw::build
