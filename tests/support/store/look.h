// What a database says of one module, for tests that ask for one at a time: a scan, then a search;
// and the hashes in it, which only its writer and its check read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "sqlite/sqlite.h"
#include "store/reader.h"
#include "store/schema.h"
#include "tlog/tile.h"

namespace gw::testing {

// Each module's `latest`, as the serving side reads them.
inline std::map<std::string, std::string, std::less<>> latest_of_all(store::Reader& reader) {
  std::map<std::string, std::string, std::less<>> all;
  const Status scanned = reader.each_module([&](const store::ModuleRow& m) {
    all.emplace(m.path, m.latest);
    return true;
  });
  if (!scanned) std::abort();
  return all;
}

// None when the database has no such module.
inline std::optional<std::string> latest_of(store::Reader& reader, std::string_view path) {
  const auto all = latest_of_all(reader);
  const auto found = all.find(path);
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

// The first record of the version.
inline std::optional<std::uint64_t> record_of(store::Reader& reader, std::string_view path,
                                              std::string_view version) {
  const auto rows = reader.versions(path).value();
  for (const store::VersionRow& row : rows) {
    if (row.version == version) return row.record;
  }
  return std::nullopt;
}

// The stored level-1 entries [first, first+count): the roots of the full 256-record subtrees. None
// when one of them is not stored; kCorrupt when one is missing that should be.
inline Result<std::optional<std::vector<Hash>>> level1(const std::string& path, std::uint64_t first,
                                                       std::uint64_t count) {
  GW_TRY(sqlite::Database db, sqlite::Database::open(path, sqlite::Database::Mode::kRead));
  GW_TRY(const store::LogState now, store::load_state(db));
  const std::uint64_t stored_first = now.first_record / tlog::kTileWidth;
  const std::uint64_t stored_end = now.position / tlog::kTileWidth;
  std::vector<Hash> out;
  if (first < stored_first || first > stored_end || count > stored_end - first) {
    return std::optional<std::vector<Hash>>();
  }
  GW_TRY(sqlite::Statement s, db.prepare("SELECT hashes FROM level1 WHERE n = ?"));
  for (std::uint64_t i = first; i < first + count; ++i) {
    // A row begins at a multiple of 256, but the first one where the database begins.
    const std::uint64_t row_begin = std::max(i / tlog::kTileWidth * tlog::kTileWidth, stored_first);
    GW_TRY(const bool row, s.bind(1, i / tlog::kTileWidth).step());
    const std::uint64_t offset = (i - row_begin) * sizeof(Hash);
    if (!row || s.bytes(0).size() < offset + sizeof(Hash)) {
      return corrupt_error("level-1 entries are missing");
    }
    out.push_back(hash_from_bytes(s.bytes(0).substr(offset, sizeof(Hash))));
    s.reset();
  }
  return std::optional(std::move(out));
}

}  // namespace gw::testing
