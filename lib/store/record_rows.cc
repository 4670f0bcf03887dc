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

}  // namespace

Result<std::vector<std::string>> load_records(sqlite::Database& db, std::uint64_t tile) {
  std::vector<std::string> out;
  GW_TRY(sqlite::Statement row, db.prepare("SELECT data FROM sums WHERE tile = ?"));
  GW_TRY(sqlite::Statement module, db.prepare("SELECT path FROM module WHERE id = ?"));
  GW_TRY(sqlite::Statement irregular, db.prepare("SELECT text FROM irregular WHERE record = ?"));
  GW_TRY(const bool found, row.bind(1, tile).step());
  if (!found) return out;
  const Error damaged = corrupt_error(fmt::format("the sums of tile {} are damaged", tile));
  std::string_view data = row.bytes(0);
  while (!data.empty()) {
    const auto id = read_varint(data);
    if (!id) return damaged;
    if (*id == 0) {
      const std::uint64_t number = tile * tlog::kTileWidth + out.size();
      GW_TRY(out.emplace_back(), text_of_column(irregular, number, "irregular record"));
      continue;
    }
    const auto packed = read_packed_version(data);
    if (!packed || data.size() < 2 * sizeof(Hash)) return damaged;
    const auto version = unpack_version(*packed);
    if (!version) return damaged;
    GW_TRY(const std::string path, text_of_column(module, *id, "module"));
    const std::string zip = tlog::format_sum(hash_from_bytes(data.substr(0, sizeof(Hash))));
    const std::string gomod =
        tlog::format_sum(hash_from_bytes(data.substr(sizeof(Hash), sizeof(Hash))));
    data.remove_prefix(2 * sizeof(Hash));
    out.push_back(tlog::format_go_record({path, *version, zip, gomod}));
  }
  return out;
}

Result<std::optional<std::string>> load_build(sqlite::Database& db, std::uint64_t record) {
  GW_TRY(sqlite::Statement s, db.prepare("SELECT text FROM build WHERE record = ?1 UNION ALL "
                                         "SELECT text FROM irregular WHERE record = ?1"));
  GW_TRY(const bool row, s.bind(1, record).step());
  if (!row) return std::optional<std::string>();
  return std::optional(std::string(s.bytes(0)));
}

}  // namespace gw::store
