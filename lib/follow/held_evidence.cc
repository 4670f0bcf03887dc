#include "follow/held_evidence.h"

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

void add_note(tlog::Evidence& evidence, const store::Head& head) {
  tlog::SeenHead more = seen(head);
  for (const auto& [what, note] : evidence.notes) {
    if (note == more.note) return;
  }
  evidence.notes.emplace_back(std::move(more.what), std::move(more.note));
}

tlog::Evidence bad_tile_evidence(const std::optional<store::Head>& held,
                                 const tlog::BadTiles& bad) {
  std::vector<tlog::SeenHead> heads;
  const auto add = [&](tlog::SeenHead head) {
    for (const tlog::SeenHead& h : heads) {
      if (h.note == head.note) return;
    }
    heads.push_back(std::move(head));
  };
  if (held) add(seen(*held));
  add({"head", bad.head.size(), bad.head.note()});
  if (bad.about) add({"compared with it", bad.about->size(), bad.about->note()});
  return tlog::bad_tile_evidence(std::move(heads), bad);
}

}  // namespace gw::follow
