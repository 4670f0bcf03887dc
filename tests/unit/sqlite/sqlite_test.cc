// The door to SQLite: what its codes become, and files that others made.
#include "sqlite/sqlite.h"

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/temp_dir.h"

using namespace gw;
using gw::testing::TempDir;
using sqlite::Database;

TEST_CASE("SQLite's codes are kinds of errors") {
  const TempDir dir;
  CHECK(Database::open(dir.file("none"), Database::Mode::kRead).error().kind == ErrorKind::kIo);
  REQUIRE(os::write_file_atomic(dir.file("text"), std::string(8192, 'x'), 0644));
  auto text = Database::open(dir.file("text"), Database::Mode::kRead);
  REQUIRE(text);
  CHECK(text->exec("SELECT * FROM sqlite_schema").error().kind == ErrorKind::kUsage);
  auto db = Database::open(dir.file("db"), Database::Mode::kCreate);
  REQUIRE(db);
  CHECK(db->exec("SELECT nonsense").error().kind == ErrorKind::kInternal);
}

TEST_CASE("a view or trigger in a file from elsewhere does nothing") {
  const TempDir dir;
  auto db = Database::open(dir.file("db"), Database::Mode::kCreate);
  REQUIRE(db);
  // One that never ends stands for all of them.
  REQUIRE(
      db->exec("CREATE VIEW modules AS WITH RECURSIVE n(i) AS "
               "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"));
  CHECK_FALSE(db->prepare("SELECT count(*) FROM modules"));
  REQUIRE(
      db->exec("CREATE TABLE a (x); CREATE TABLE b (x); CREATE TRIGGER t AFTER INSERT ON a "
               "BEGIN INSERT INTO b VALUES (1); END; INSERT INTO a VALUES (1)"));
  CHECK(db->integer("SELECT count(*) FROM b").value() == 0);
  // The schema itself is not for writing.
  CHECK_FALSE(db->exec("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"));
}

TEST_CASE("a value that no program of ours would write is not read") {
  const TempDir dir;
  auto db = Database::open(dir.file("db"), Database::Mode::kCreate);
  REQUIRE(db);
  REQUIRE(db->exec("CREATE TABLE a (x); INSERT INTO a VALUES (zeroblob(60000000))"));
  CHECK(db->integer("SELECT length(x) FROM a").value() == 60'000'000);
  CHECK(db->exec("INSERT INTO a VALUES (zeroblob(70000000))").error().kind == ErrorKind::kCorrupt);
}
