// What an error carries of a head that the log signed and could not show: the head itself, which
// must never be dropped with the error, and the tiles that are not those of it, if it was that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tlog/checkpoint.h"

namespace gw::tlog {

struct TileBytes {
  std::string path;
  std::string bytes;
};

// A validly signed head of which something failed. A value; immutable once an error has it.
struct UnshownHead : ErrorDetail {
  explicit UnshownHead(Checkpoint h) : head(std::move(h)) {}
  Checkpoint head;
};

// Callers need not read an error's text to know the tile. `head`: whose tree they were asked for.
struct BadTiles : UnshownHead {
  BadTiles(Checkpoint h, std::vector<TileBytes> t, std::vector<TileBytes> p = {})
      : UnshownHead(std::move(h)), tiles(std::move(t)), proof(std::move(p)) {}

  std::string what;                 // the error's text, as it was made
  std::optional<Checkpoint> about;  // another head that was compared by these tiles
  // As the source gave them. One, or all those of the right edge, which together do not fold to the
  // signed root. Of a full tile in place of a partial one only the part that the head covers. No
  // bytes when the source refused them, as more than there may be.
  std::vector<TileBytes> tiles;
  // Tiles that authenticate under the head and say what the bad one should hash to; none when it is
  // the edge that is bad.
  std::vector<TileBytes> proof;
};

// kUntrusted, with this evidence.
Error bad_tiles_error(std::string message, BadTiles evidence);
// What the error carries; null when it is not about tiles. Valid as long as the error or a copy.
const BadTiles* find_bad_tiles(const Error& error);

// The same error, carrying the head unless it carries something already.
Error about_head(Error error, const Checkpoint& head);
const Checkpoint* find_unshown_head(const Error& error);

}  // namespace gw::tlog
