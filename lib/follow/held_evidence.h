// The evidence of what follow finds, made of what it holds: tlog::Evidence has the rest.
#pragma once

#include <optional>
#include <string>

#include "store/types.h"
#include "tlog/bad_tiles.h"
#include "tlog/checkpoint.h"
#include "tlog/evidence.h"
#include "tlog/history.h"

namespace gw::follow {

tlog::Evidence equal_size_evidence(const store::Head& held, const tlog::Checkpoint& other,
                                   const std::string& origin);
// `found`: what comparing the two heads gave; `origin`: where the other one came from.
tlog::Evidence fork_evidence(const store::Head& held, const tlog::Checkpoint& other,
                             const tlog::HeadComparison& found, const std::string& origin);
// One more head that it is about.
void add_note(tlog::Evidence& evidence, const store::Head& head);
// `held`: the head accepted before, when there is one.
tlog::Evidence bad_tile_evidence(const std::optional<store::Head>& held, const tlog::BadTiles& bad);

}  // namespace gw::follow
