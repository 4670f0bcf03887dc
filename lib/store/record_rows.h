// Rebuilding the text of stored records, byte for byte. Private to lib/store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sqlite/sqlite.h"

namespace gw::store {

// The texts of the stored records of data tile `tile`, from its first on; fewer than 256 in the
// last one, none when there is no such row. kCorrupt.
Result<std::vector<std::string>> load_records(sqlite::Database& db, std::uint64_t tile);

// One of them, at the cost of stepping over those before it. kCorrupt, also when it is not there.
Result<std::string> load_record(sqlite::Database& db, std::uint64_t number);

// The text of a record of a build log. None when its key was another record's before: that one is
// kept.
Result<std::optional<std::string>> load_build(sqlite::Database& db, std::uint64_t record);

}  // namespace gw::store
