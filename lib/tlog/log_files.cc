#include "tlog/log_files.h"

#include "base/bytes.h"
#include "tlog/c2sp_tiles.h"
#include "tlog/lookup.h"

namespace gw::tlog {

namespace {

constexpr std::string_view kLookup = "lookup/";

Error no_such_file(std::string_view path) {
  return not_found_error("no such file of the log: " + quoted(path));
}

}  // namespace

Result<std::string> LogFiles::hash_tile(const TileId& id) const {
  const unsigned level = kTileHeight * static_cast<unsigned>(id.level);
  GW_TRY(const std::vector<Hash> hashes,
         store_->read_hashes(level, id.index * kTileWidth, id.width));
  if (hashes.size() != id.width) return corrupt_error("hashes are missing in the log's store");
  return format_hash_tile(hashes);
}

Result<std::vector<std::string>> LogFiles::records(const TileId& id) const {
  GW_TRY(std::vector<std::string> records, store_->read_records(id.index * kTileWidth, id.width));
  if (records.size() != id.width) return corrupt_error("records are missing in the log's store");
  return records;
}

Result<std::string> LogFiles::lookup_reply(std::uint64_t number, const LogHead& head) const {
  if (number >= head.size) return not_found_error("the log's head does not cover the record");
  GW_TRY(const std::vector<std::string> found, store_->read_records(number, 1));
  if (found.size() != 1) return corrupt_error("a record is missing in the log's store");
  return format_lookup(number, found[0], head.latest);
}

Result<LogFile> LogFiles::read(std::string_view path) const {
  // Taken once: all of an answer is under one head.
  const std::shared_ptr<const LogHead> head = writer_->head();
  const bool c2sp = !head->checkpoint.empty();
  if (path == "latest") return LogFile{head->latest, false};
  if (path == "checkpoint" && c2sp) return LogFile{writer_->checkpoint(), false};
  if (path.starts_with(kLookup)) {
    GW_TRY(const auto number, store_->find(path.substr(kLookup.size())));
    if (!number) return no_such_file(path);
    GW_TRY(std::string reply, lookup_reply(*number, *head));
    return LogFile{std::move(reply), false};
  }
  auto id = parse_tile_path(path);
  const bool sumdb = id.has_value();
  if (!sumdb && c2sp) id = parse_c2sp_tile_path(path);
  if (!id || tile_width(id->level, id->index, head->size) < id->width) return no_such_file(path);
  if (id->level != kDataLevel) {
    GW_TRY(std::string body, hash_tile(*id));
    return LogFile{std::move(body), true};
  }
  GW_TRY(const std::vector<std::string> texts, records(*id));
  return LogFile{
      sumdb ? format_data_tile(texts, id->index * kTileWidth, style_) : format_entry_bundle(texts),
      true};
}

}  // namespace gw::tlog
