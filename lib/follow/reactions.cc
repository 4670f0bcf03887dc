#include "follow/reactions.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "tlog/bad_tiles.h"
#include "tlog/evidence.h"
#include "tlog/tile.h"

namespace gw::follow {
namespace {

// So many times as often as one tile may be bad, all of them may, before a round gives up.
constexpr int kManyBadTiles = 3;

std::string first_path(const tlog::BadTiles& bad) {
  return bad.tiles.empty() ? std::string() : bad.tiles.front().path;
}

}  // namespace

Event event_of(const Error& error) {
  if (tlog::find_contradiction(error) != nullptr) return Event::kContradiction;
  if (dynamic_cast<const Halted*>(error.detail.get()) != nullptr) return Event::kHalted;
  if (dynamic_cast<const Junk*>(error.detail.get()) != nullptr) return Event::kJunk;
  if (tlog::find_bad_tiles(error) != nullptr) return Event::kBadTile;
  switch (error.kind) {
    case ErrorKind::kUntrusted:
      return Event::kUnverified;
    case ErrorKind::kUnavailable:
      return Event::kUnavailable;
    case ErrorKind::kNotFound:
      return Event::kMissing;
    case ErrorKind::kIo:
      return Event::kSystem;
    case ErrorKind::kUsage:
    case ErrorKind::kCorrupt:
    case ErrorKind::kInternal:
      return Event::kBroken;
  }
  return Event::kBroken;
}

Error blame_mirror(Error error, const std::string& mirror) {
  const tlog::BadTiles* bad = tlog::find_bad_tiles(error);
  if (bad == nullptr || event_of(error) == Event::kJunk || bad->proof.empty()) return error;
  const auto tile = tlog::parse_tile_path(first_path(*bad));
  if (!tile || tile->level != tlog::kDataLevel) return error;
  error.kind = ErrorKind::kUnavailable;
  error.message = fmt::format("{} delivers what is not in the log: {}", mirror, error.message);
  error.hint = "another --source, or none, asks somebody else";
  error.detail = std::make_shared<Junk>(*bad);
  return error;
}

bool Tries::again(const Error& bad_tile) {
  int& seen = by_tile_[first_path(*tlog::find_bad_tiles(bad_tile))];
  if (seen + 1 >= limit_) return false;
  ++seen;
  bad_tile_ = bad_tile;
  return true;
}

State Tries::count(const Error& error, bool moved) {
  const tlog::BadTiles* bad = tlog::find_bad_tiles(error);
  if (bad == nullptr) {
    others_ = moved ? 0 : others_ + 1;
    return others_ < limit_ ? State::kTry : State::kLast;
  }
  bad_tile_ = error;
  bad_ = moved ? 0 : bad_ + 1;
  if (++by_tile_[first_path(*bad)] >= limit_) {
    return mode_ == Mode::kOnce ? State::kProven : State::kLast;
  }
  return bad_ < kManyBadTiles * limit_ ? State::kTry : State::kLast;
}

Error Tries::finish(Error error) const {
  if (!bad_tile_ || error.detail != nullptr || event_of(error) == Event::kBroken) return error;
  error.detail = bad_tile_->detail;
  return error;
}

int Tries::failures() const { return std::max(1, bad_ + others_); }

void Lasting::note(MonoTime now, std::uint64_t position) {
  if (since_ && position_ == position) return;
  since_ = now;
  position_ = position;
}

}  // namespace gw::follow
