// The ledger's database: its tables, and the statements of its two connections. For ledger.cc.
#pragma once

#include <string>

#include "base/result.h"
#include "buildd/ledger.h"
#include "sqlite/sqlite.h"

namespace gw::buildd {

struct Ledger::Reader {
  Status open(const std::string& path, const std::string& vfs);
  sqlite::Database db;
  sqlite::Statement size, hashes, records, find, built, range, log, recent, of_module, of_version,
      failure, failures;
};

struct Ledger::Writer {
  Status open(const std::string& path, const std::string& vfs);
  sqlite::Database db;
  sqlite::Statement record, hash, count, save_failure, forget_failure, forget_expired;
};

}  // namespace gw::buildd
