// What proves that a log misbehaved: for a person, and complete in a file.
//
// A file holds everything that somebody else needs to check the claim with the log's key alone: the
// signed notes verbatim, the recomputed hash and the tiles that give it, or both records with their
// inclusion proofs. JSON, one object; bytes in base64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "follow/record_prover.h"
#include "store/types.h"
#include "store/writer.h"
#include "tlog/checkpoint.h"
#include "tlog/client.h"

namespace gw::follow {

struct Evidence {
  std::string kind;                                        // as store::Alarm::kind
  std::string message;                                     // one line
  std::vector<std::pair<std::string, std::string>> notes;  // what it is, the signed note
  // The older tree's size, its root as signed or held, and as the newer head has it.
  struct Roots {
    std::uint64_t size = 0;
    Hash claimed{};
    Hash recomputed{};
  };
  std::optional<Roots> roots;
  std::vector<tlog::TileBytes> tiles;      // they authenticate under the newer head
  std::vector<tlog::TileBytes> bad_tiles;  // as the source gave them: they do not
  // Pairs of records of one module version, the first one first.
  std::vector<std::pair<ProvenRecord, ProvenRecord>> records;
};

Evidence equal_size_evidence(const store::Head& held, const tlog::Checkpoint& other,
                             const std::string& origin);
// `found`: what comparing the two heads gave; `origin`: where the other one came from.
Evidence fork_evidence(const store::Head& held, const tlog::Checkpoint& other,
                       const tlog::HeadComparison& found, const std::string& origin);
// `held`: the head accepted before, when there is one; `head`: the one whose tiles are bad.
Evidence bad_tile_evidence(const std::optional<store::Head>& held, const tlog::Checkpoint& head,
                           const tlog::BadTiles& bad, const std::string& what);

// Text for a person: all but the tiles' bytes.
std::string format_evidence(const Evidence& evidence, const std::string& path);

// Writes it to DB.alarm-TIME.json, a new file, and returns the path.
Result<std::string> save_evidence(const Evidence& evidence, const std::string& log_key,
                                  const std::string& db, WallTime now);

}  // namespace gw::follow
