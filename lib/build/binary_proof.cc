#include "build/binary_proof.h"

#include "build/client.h"
#include "build/logged_binary.h"
#include "os/file.h"
#include "tlog/build_log.h"
#include "tlog/tlog_proof.h"

namespace gw::build {

Result<ProvenFile> verify_proof_files(const std::string& binary, const std::string& proof,
                                      const tlog::VerifierKey& key) {
  GW_TRY(const std::string bytes, os::read_file(binary, kMaxBinaryBytes));
  GW_TRY(const std::string text, os::read_file(proof, tlog::kMaxProofBytes));
  GW_TRY(const tlog::TlogProof parsed, tlog::parse_tlog_proof(text));
  // What is beside the proof is not authenticated: that it is the entry, only the tree says.
  GW_TRY(const std::uint64_t size, tlog::verify_tlog_proof(parsed, parsed.extra, key));
  const auto record = tlog::parse_build_record(parsed.extra);
  if (!record) return untrusted_error(proof + ": of no build's record");
  if (auto same = check_logged(bytes, LoggedBinary(*record)); !same) {
    return std::move(same).error().in(binary);
  }
  return ProvenFile{tlog::format_build_key(record->target), std::string(record->sum), size};
}

}  // namespace gw::build
