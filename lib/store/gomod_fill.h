// What a database of an older program does not say: which versions have no go.mod. With the sums at
// hand it can be told of records that were taken in long ago. Private to lib/store.
#pragma once

#include "base/result.h"
#include "sqlite/sqlite.h"

namespace gw::store {

// Sees to it that each module's summary says of its newest compatible version whether it has a
// go.mod, and notes that all records are covered. To be called in the migrating transaction, of a
// database with Keep::kRecords. One pass over the versions and one over the sums: minutes for a
// whole log, once; 24 bytes of memory a module. kCorrupt, kIo.
Status fill_gomod(sqlite::Database& db);

}  // namespace gw::store
