// All that a service holds, looked at: whether the database's records give the hashes that it has
// and the head that was published, and whether the files are still the bytes that were built.
//
// A disk flips bits, and a file that is served for years is read by nobody else. The log is
// computed anew from the records; each hash of each subtree is compared with the stored one; each
// binary that is kept, and each packed one, is read and compared with its record; what each build
// printed must unpack; sum.log has the same lines. A file that is not what it was is removed when
// told so: it is built again when somebody asks, and must have the record's sum. One that the disk
// does not give back is told, and the rest is looked at. What is wrong in the log itself cannot be
// mended here.
//
// For the background: one record, one file at a time. Any thread, beside a running service.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "buildd/binary_store.h"
#include "buildd/ledger.h"
#include "os/stop.h"
#include "tlog/checkpoint.h"

namespace gw::buildd {

struct LocalAudit {
  std::uint64_t records = 0;
  std::uint64_t hashes = 0;   // of subtrees
  std::uint64_t files = 0;    // that are what they were
  std::uint64_t missing = 0;  // they made room for others
  // What is not as it was, each a sentence.
  std::vector<std::string> damaged_log;
  std::vector<std::string> damaged_files;
  bool good() const { return damaged_log.empty() && damaged_files.empty(); }
};

struct LocalAuditOptions {
  bool remove_damaged = false;     // files
  const os::Stop* stop = nullptr;  // may be null
  std::string sum_log = {};        // its path; one that is not there is not looked at
};

// `published`: a head of this log, verified, that the records must give. kUnavailable: stopped;
// else what kept it from looking. What it found wrong is in the result.
Result<LocalAudit> audit_local(Ledger& ledger, const BinaryStore& binaries,
                               const tlog::Checkpoint& published, const LocalAuditOptions& options);

// The calling thread gives way to all others, for the processor and the disk, from now on.
void run_in_background();

}  // namespace gw::buildd
