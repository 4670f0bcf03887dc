// A log's files with our own hash tiles in front: what the database holds needs no network, and
// cannot be withheld.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/writer.h"
#include "tlog/source.h"

namespace gw::follow {

// For trees under the head that the database has in full: the tiles are those at its position. One
// thread at a time; both must outlive it.
class OwnTiles : public tlog::TileSource {
 public:
  OwnTiles(store::Writer& writer, tlog::TileSource& log) : writer_(writer), log_(log) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override;
  std::string describe() const override { return log_.describe(); }

 private:
  store::Writer& writer_;
  tlog::TileSource& log_;
};

}  // namespace gw::follow
