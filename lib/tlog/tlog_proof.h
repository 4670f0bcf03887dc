// Proofs in a file, which need no network: c2sp.org/tlog-proof@v1.
//
//   c2sp.org/tlog-proof@v1
//   extra BASE64              optional, for the application
//   index NUMBER
//   BASE64 ...                the audit path, leaf to root
//
//   the checkpoint, a signed note
//
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"
#include "tlog/note.h"

namespace gw::tlog {

inline constexpr std::size_t kMaxProofBytes = 1UL << 20U;

struct TlogProof {
  std::string extra;  // empty: none
  std::uint64_t index = 0;
  std::vector<Hash> path;
  std::string checkpoint;
  bool operator==(const TlogProof&) const = default;
};

std::string format_tlog_proof(const TlogProof& proof);
// kUntrusted unless it is of that form; nothing is verified.
Result<TlogProof> parse_tlog_proof(std::string_view text);

// That the log with this key, whose name is its checkpoints' origin, has the entry at the proof's
// index; returns the size of the tree. kUntrusted.
Result<std::uint64_t> verify_tlog_proof(const TlogProof& proof, std::string_view entry,
                                        const VerifierKey& key);

}  // namespace gw::tlog
