#include "follow/evidence.h"

namespace gw::follow {

tlog::Evidence equal_size_evidence(const store::Head& held, const tlog::Checkpoint& other,
                                   const std::string& origin) {
  return fork_evidence(held, other,
                       {tlog::HeadRelation::kFork, held.size, held.root, other.root(), {}}, origin);
}

tlog::Evidence fork_evidence(const store::Head& held, const tlog::Checkpoint& other,
                             const tlog::HeadComparison& found, const std::string& origin) {
  return tlog::fork_evidence({"accepted " + format_rfc3339(held.accepted), held.size, held.note},
                             {"from " + origin, other.size(), other.note()}, found);
}

tlog::Evidence bad_tile_evidence(const std::optional<store::Head>& held, const tlog::BadTiles& bad,
                                 const std::string& what) {
  const tlog::Checkpoint& head = bad.head;
  tlog::Evidence e;
  e.kind = "bad-tile";
  e.message = what;
  if (held && (held->size != head.size() || held->root != head.root())) {
    e.notes.emplace_back("accepted " + format_rfc3339(held->accepted), held->note);
  }
  e.notes.emplace_back("head", head.note());
  e.bad_tiles = bad.tiles;
  e.tiles = bad.proof;
  return e;
}

}  // namespace gw::follow
