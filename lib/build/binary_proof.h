// A binary and its proof in two files, compared without a network: the log's second key signed a
// head, its tree has a record, and that record is of exactly these bytes.
//
// No state; any thread. Source: c2sp.org/tlog-proof, tlog/tlog_proof.h.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "tlog/note.h"

namespace gw::build {

struct ProvenFile {
  std::string key;  // the build's, as the log has it
  std::string sum;
  std::uint64_t log_size = 0;  // records, of the head that proves it
};

// `binary`, `proof`: paths. kUntrusted: the proof is not the key's, of no build, or of other bytes;
// else the proof's form, as parse_tlog_proof(); kNotFound, kIo: a file.
Result<ProvenFile> verify_proof_files(const std::string& binary, const std::string& proof,
                                      const tlog::VerifierKey& key);

}  // namespace gw::build
