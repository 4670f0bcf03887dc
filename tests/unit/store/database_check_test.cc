// A database at rest: nothing is found in a good one, and every kind of damage in a bad one.
#include "store/database_check.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "os/file.h"
#include "sqlite/sqlite.h"
#include "store/writer.h"
#include "support/store/fill.h"
#include "tlog/hash.h"

using namespace gw;
using namespace gw::store;
using gw::testing::fill;
using gw::testing::TempDir;
using gw::testing::TestLog;
using gw::testing::writer_options;

namespace {

const WallTime kAt = from_unix(1'700'000'000);

void make(const TempDir& dir, TestLog& log, Keep keep, std::uint64_t first = 0) {
  Writer w = Writer::open(dir.file("db"), writer_options(log, keep)).value();
  if (first > 0) {
    tlog::Frontier start;
    for (std::uint64_t i = 0; i < first; ++i) start.append(tlog::leaf_hash(log.record(i)));
    REQUIRE(w.set_target(log.head(first), kAt, {}, start));
  }
  for (const std::uint64_t size : {512, 700, 1100, 1300}) REQUIRE(fill(w, log, size, kAt));
}

void damage(const TempDir& dir, const std::string& sql) {
  auto db = sqlite::Database::open(dir.file("db"), sqlite::Database::Mode::kWrite).value();
  REQUIRE(db.exec(sql));
  REQUIRE(db.changes() > 0);
}

}  // namespace

TEST_CASE("nothing is wrong with a good database") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(1300);
  const Keep keep = GENERATE(Keep::kVersions, Keep::kRecords);
  const std::uint64_t first = GENERATE(0, 256);
  make(dir, log, keep, first);
  const auto found = check_database(dir.file("db")).value();
  CHECK(found.faults == std::vector<std::string>());
  CHECK(found.heads == (first == 0 ? 4 : 5));
  // Of versions alone: those at a tile's end, and the last.
  CHECK(found.roots == (keep == Keep::kRecords ? found.heads : first == 0 ? 2 : 3));
  CHECK(found.records == 1300 - first);
  CHECK(found.hashed == (keep == Keep::kRecords ? 1300 - first : 0));
  CHECK(found.modules > 10);
}

TEST_CASE("a check is stopped, or has nothing to check") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(1300);
  CHECK(check_database(dir.file("db")).error().kind == ErrorKind::kNotFound);
  make(dir, log, Keep::kVersions);
  CHECK(check_database(dir.file("db"), [] { return false; }).error().kind ==
        ErrorKind::kUnavailable);
}

TEST_CASE("what is damaged in a database is found") {
  struct Case {
    Keep keep;
    const char* sql;
    const char* says;
  };
  const Keep versions = Keep::kVersions;
  const Keep records = Keep::kRecords;
  const std::vector<Case> cases = {
      {versions, "UPDATE head SET note = CAST(replace(note, 'a', 'b') AS BLOB) WHERE size = 700",
       "head of 700 records: signed note"},
      {versions, "UPDATE head SET root = zeroblob(32) WHERE size = 700", "not what its note signs"},
      {versions, "UPDATE head SET root = zeroblob(32) WHERE size = 512", "tree of 512 records"},
      {versions, "UPDATE level1 SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB)",
       "tree of 512 records"},
      {versions, "UPDATE level1 SET hashes = substr(hashes, 33)", "level-1 entries"},
      {versions, "UPDATE log SET tail = zeroblob(length(tail))", "do not give the tree"},
      {versions, "UPDATE log SET modules = modules + 1", "modules are there, not"},
      {versions, "DELETE FROM module WHERE id = 3", "versions of no module"},
      {versions, "DELETE FROM version WHERE module = 3", "latest versions of module"},
      {versions, "UPDATE version SET data = x'05' WHERE module = 3", "versions of module"},
      {versions,
       "UPDATE version SET data = CAST(substr(data, 1, length(data) - 1) || x'00' AS BLOB) WHERE "
       "module = 3",
       "record"},
      {versions, "UPDATE module SET latest = 'v9.9.9=1' WHERE id = 3", "latest versions of module"},
      {versions, "UPDATE module SET path = 'a b' WHERE id = 3", "no record can name"},
      {versions, "UPDATE module SET path = 'a' || char(10) WHERE id = 3", "no record can name"},
      {versions, "UPDATE log SET position = position - 300", ""},
      {records, "UPDATE sums SET data = CAST(substr(data, 1, length(data) - 1) || x'00' AS BLOB)",
       "are not those of the log's tree"},
      {records, "UPDATE sums SET data = x'0101' WHERE tile = 2", "sums of tile 2"},
      {records,
       "UPDATE version SET data = CAST(substr(data, 1, 4) || x'7a' || substr(data, 6) AS BLOB) "
       "WHERE module = 3",
       "are not those of their texts"},
      {records, "UPDATE module SET path = path || 'x' WHERE id = 3", "log's tree"},
  };
  for (const Case& c : cases) {
    INFO(c.sql);
    TempDir dir;
    TestLog log;
    log.add_synthetic(1300);
    make(dir, log, c.keep);
    damage(dir, c.sql);
    const auto found = check_database(dir.file("db")).value();
    REQUIRE_FALSE(found.faults.empty());
    CHECK(found.faults.size() <= kMostFaults);
    std::string all;
    for (const std::string& fault : found.faults) all += fault + "\n";
    INFO(all);
    CHECK(all.find(c.says) != std::string::npos);
  }
}

TEST_CASE("damaged pages are found, whatever is in them") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(1300);
  make(dir, log, Keep::kRecords);
  damage(dir, "UPDATE log SET checked_at = 1");
  {
    auto db = sqlite::Database::open(dir.file("db"), sqlite::Database::Mode::kWrite).value();
    REQUIRE(db.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  std::string bytes = os::read_file(dir.file("db"), 64 << 20).value();
  // A bit in each 500 octets, one after the other: what a disk does.
  std::size_t seen = 0, tried = 0;
  for (std::size_t at = 4096 + 11; at < bytes.size(); at += bytes.size() / 60) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    REQUIRE(os::write_file_atomic(dir.file("db"), bad, 0600));
    const auto found = check_database(dir.file("db"));
    ++tried;
    seen += !found || !found->faults.empty() ? 1 : 0;
  }
  CHECK(tried >= 55);
  // What is left is in pages' unused octets, in origins and times.
  CHECK(seen * 2 >= tried);
}
