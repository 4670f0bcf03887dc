#include "store/record_rows.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "store/packed_version.h"
#include "tlog/go_log.h"
#include "tlog/tile.h"

namespace gw::store {
namespace {

Result<std::string> text_of_column(sqlite::Statement& s, std::uint64_t key, const char* what) {
  GW_TRY(const bool row, s.bind(1, key).step());
  if (!row) return corrupt_error(fmt::format("{} {} is missing", what, key));
  std::string text(s.bytes(0));
  s.reset();
  return text;
}

// One record of a tile's row, as it is packed.
struct PackedRecord {
  std::uint64_t module = 0;  // 0: irregular, all that follows is empty
  std::string_view version;
  std::string_view zip, gomod;  // 32 bytes each
};

// Takes the next one off the front; nothing when the row is damaged. Precondition: not empty.
std::optional<PackedRecord> take_record(std::string_view& data) {
  PackedRecord out;
  const auto id = read_varint(data);
  if (!id) return std::nullopt;
  out.module = *id;
  if (*id == 0) return out;
  const auto version = read_packed_version(data);
  if (!version || data.size() < 2 * sizeof(Hash)) return std::nullopt;
  out.version = *version;
  out.zip = data.substr(0, sizeof(Hash));
  out.gomod = data.substr(sizeof(Hash), sizeof(Hash));
  data.remove_prefix(2 * sizeof(Hash));
  return out;
}

Error damaged_error(std::uint64_t tile) {
  return corrupt_error(fmt::format("the sums of tile {} are damaged", tile));
}

// Records as texts.
class RecordTexts {
 public:
  static Result<RecordTexts> open(sqlite::Database& db) {
    RecordTexts out;
    GW_TRY(out.module_, db.prepare("SELECT path FROM module WHERE id = ?"));
    GW_TRY(out.irregular_, db.prepare("SELECT text FROM irregular WHERE record = ?"));
    return out;
  }

  Result<std::string> format(const PackedRecord& record, std::uint64_t number) {
    if (record.module == 0) return text_of_column(irregular_, number, "irregular record");
    const auto version = unpack_version(record.version);
    if (!version) return damaged_error(number / tlog::kTileWidth);
    GW_TRY(const std::string path, text_of_column(module_, record.module, "module"));
    const std::string zip = tlog::format_sum(hash_from_bytes(record.zip));
    const std::string gomod = tlog::format_sum(hash_from_bytes(record.gomod));
    return tlog::format_go_record({path, *version, zip, gomod});
  }

 private:
  sqlite::Statement module_, irregular_;
};

}  // namespace

Result<std::vector<std::string>> load_records(sqlite::Database& db, std::uint64_t tile) {
  std::vector<std::string> out;
  GW_TRY(sqlite::Statement row, db.prepare("SELECT data FROM sums WHERE tile = ?"));
  GW_TRY(RecordTexts texts, RecordTexts::open(db));
  GW_TRY(const bool found, row.bind(1, tile).step());
  if (!found) return out;
  std::string_view data = row.bytes(0);
  while (!data.empty()) {
    const auto record = take_record(data);
    if (!record) return damaged_error(tile);
    GW_TRY(std::string text, texts.format(*record, tile * tlog::kTileWidth + out.size()));
    out.push_back(std::move(text));
  }
  return out;
}

Result<std::string> load_record(sqlite::Database& db, std::uint64_t number) {
  const std::uint64_t tile = number / tlog::kTileWidth;
  GW_TRY(sqlite::Statement row, db.prepare("SELECT data FROM sums WHERE tile = ?"));
  GW_TRY(const bool found, row.bind(1, tile).step());
  std::string_view data = found ? row.bytes(0) : std::string_view();
  for (std::uint64_t at = tile * tlog::kTileWidth; !data.empty(); ++at) {
    const auto record = take_record(data);
    if (!record) return damaged_error(tile);
    if (at < number) continue;
    GW_TRY(RecordTexts texts, RecordTexts::open(db));
    return texts.format(*record, number);
  }
  return corrupt_error("a stored record is missing");
}

Result<std::optional<std::string>> load_build(sqlite::Database& db, std::uint64_t record) {
  GW_TRY(sqlite::Statement s, db.prepare("SELECT text FROM build WHERE record = ?1 UNION ALL "
                                         "SELECT text FROM irregular WHERE record = ?1"));
  GW_TRY(const bool row, s.bind(1, record).step());
  if (!row) return std::optional<std::string>();
  return std::optional(std::string(s.bytes(0)));
}

}  // namespace gw::store
