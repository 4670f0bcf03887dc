// The files of a log of our own, by their paths below its base URL, in both dialects.
//
//   sumdb        latest, lookup/KEY, tile/8/L/K[.p/W], tile/8/data/K[.p/W]
//   tlog-tiles   checkpoint, tile/L/K[.p/W], tile/entries/K[.p/W]   (when the log has checkpoints)
//
// Made from the store when asked for; what lies beyond the published head is not there. A tile is
// there in every width that it has had, also those that no head had, and full tiles and those of a
// past width never change.
//
// Store and writer must outlive it. Any thread. Errors: kNotFound for every other path; the
// store's; kCorrupt when the store does not have what it must.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tlog/data_tile.h"
#include "tlog/log_store.h"
#include "tlog/log_writer.h"

namespace gw::tlog {

struct LogFile {
  std::string body;
  bool immutable = false;  // may be cached for ever
};

class LogFiles {
 public:
  // `style`: how data tiles are framed; gobuild's clients need kNumbered.
  LogFiles(LogStore& store, const LogWriter& writer, DataTileStyle style)
      : store_(&store), writer_(&writer), style_(style) {}

  Result<LogFile> read(std::string_view path) const;
  // The answer to a lookup of record `number`, under `head`, which must cover it.
  Result<std::string> lookup_reply(std::uint64_t number, const LogHead& head) const;

 private:
  Result<std::string> hash_tile(const TileId& id) const;
  Result<std::vector<std::string>> records(const TileId& id) const;

  LogStore* store_;
  const LogWriter* writer_;
  DataTileStyle style_;
};

}  // namespace gw::tlog
