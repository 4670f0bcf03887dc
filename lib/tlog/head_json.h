// A signed head as documents for people and programs have it.
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "tlog/checkpoint.h"

namespace gw::tlog {

// {"size", "root", "accepted", "note"}: the root in base64; `accepted`, when somebody took it, in
// RFC 3339, left out where nobody knows; the signed note verbatim.
Json head_json(std::uint64_t size, const Hash& root, std::string_view note,
               std::optional<WallTime> accepted = std::nullopt);
Json head_json(const Checkpoint& head);

}  // namespace gw::tlog
