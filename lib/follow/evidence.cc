#include "follow/evidence.h"

namespace gw::follow {

namespace {

tlog::SeenHead seen(const store::Head& held) {
  return {"accepted " + format_rfc3339(held.accepted), held.size, held.note};
}

}  // namespace

tlog::Evidence equal_size_evidence(const store::Head& held, const tlog::Checkpoint& other,
                                   const std::string& origin) {
  return fork_evidence(held, other,
                       {tlog::HeadRelation::kFork, held.size, held.root, other.root(), {}}, origin);
}

tlog::Evidence fork_evidence(const store::Head& held, const tlog::Checkpoint& other,
                             const tlog::HeadComparison& found, const std::string& origin) {
  return tlog::fork_evidence(seen(held), {"from " + origin, other.size(), other.note()}, found);
}

tlog::Evidence bad_tile_evidence(const std::optional<store::Head>& held,
                                 const tlog::BadTiles& bad) {
  std::vector<tlog::SeenHead> heads;
  const tlog::Checkpoint& head = bad.head;
  if (held && (held->size != head.size() || held->root != head.root())) {
    heads.push_back(seen(*held));
  }
  heads.push_back({"head", head.size(), head.note()});
  return tlog::bad_tile_evidence(std::move(heads), bad);
}

}  // namespace gw::follow
