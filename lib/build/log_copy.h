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
// One thread. Errors: as LogClient and audit_log(); kIo.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "build/log_audit.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/source.h"

namespace gw::build {

// The bytes of a build's binary, packed or not; kNotFound: it is not to be had, and is left out.
using BinaryBytes = std::function<Result<std::string>(const std::string& record, bool packed)>;

struct CopiedLog {
  AuditedLog log;
  std::uint64_t written = 0;  // files that were not there, or others
  std::uint64_t binaries_missing = 0;
};

// `checkpoint`: the second dialect's note of the same head, or empty for none. `binaries` may be
// null.
Result<CopiedLog> copy_log(tlog::TileSource& source, const tlog::Checkpoint& head,
                           std::string_view checkpoint, const tlog::VerifierKey& key,
                           const BinaryBytes& binaries, const std::string& directory);

}  // namespace gw::build
