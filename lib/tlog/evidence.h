// What proves that a log misbehaved: for a person, and complete in a file.
//
// It holds everything that somebody else needs to check the claim with the log's key alone: the
// signed notes verbatim, the recomputed hash and the tiles that give it, or both records with their
// inclusion proofs; evidence_check.h does that. In the file JSON, one object; bytes in base64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "tlog/bad_tiles.h"
#include "tlog/history.h"

namespace gw::tlog {

struct ProvenRecord {
  std::uint64_t number = 0;
  std::string text;
  std::vector<Hash> proof;    // RFC 6962 audit path, leaf to root
  std::string proof_missing;  // why there is none
};

struct Evidence {
  std::string kind;                                        // fork, equal-size, duplicate, bad-tile
  std::string message;                                     // one line
  std::vector<std::pair<std::string, std::string>> notes;  // what it is, the signed note
  // The older tree's size, its root as signed or held, and as the newer head has it.
  struct Roots {
    std::uint64_t size = 0;
    Hash claimed{};
    Hash recomputed{};
  };
  std::optional<Roots> roots;
  std::vector<TileBytes> tiles;        // they authenticate under the newer head
  std::vector<TileBytes> other_tiles;  // under the older one, where its own root does not say it
  std::vector<TileBytes> bad_tiles;    // as the source gave them: they do not
  std::string missing;  // what others would need besides and was not to be had; one line
  // Pairs of records of one module version, the first one first.
  std::vector<std::pair<ProvenRecord, ProvenRecord>> records;
};

// A signed head and where it came from.
struct SeenHead {
  std::string what;
  std::uint64_t size = 0;
  std::string note;
};
// Of two heads that are not of one history. `found`: what comparing them gave. Kind fork, or
// equal-size.
Evidence fork_evidence(SeenHead a, SeenHead b, const HeadComparison& found);
// Of tiles that are not those of a signed head, with all heads that it is about.
Evidence bad_tile_evidence(std::vector<SeenHead> heads, const BadTiles& bad);

// The evidence that an error carries when the log contradicted itself. A value; immutable once an
// error has it.
struct Contradiction : ErrorDetail {
  explicit Contradiction(Evidence e) : evidence(std::move(e)) {}
  Evidence evidence;
};
// kUntrusted, with this evidence and its message.
Error contradiction_error(Evidence evidence);
// What the error carries; null when it is none. Valid as long as the error or a copy.
const Contradiction* find_contradiction(const Error& error);

// {"kind","message","time","log_key","notes":[{"what","note"}],"roots":{"size","claimed",
//  "recomputed"},"bad_tiles"|"tiles"|"other_tiles":[{"path","bytes"}],
//  "records":[{"first","second"}],"missing"};
// what there is none of is left out.
Json evidence_json(const Evidence& evidence, const std::string& log_key, WallTime now);

// Text for a person. `path`: the file that it is in, which has the tiles' bytes; without one they
// are in the text, in base64, so that nothing is lost.
std::string format_evidence(const Evidence& evidence, const std::optional<std::string>& path);

// Writes `document` to BASE-TIME.json, always a new file, and returns the path.
Result<std::string> save_evidence(const Json& document, const std::string& base, WallTime now);

}  // namespace gw::tlog
