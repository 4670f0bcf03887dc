// Databases of a build service's log: records by key, what repeats one, and older databases.
#include <catch2/catch.hpp>

#include "sqlite/sqlite.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/writer.h"
#include "support/store/fill.h"
#include "tlog/build_log.h"

using namespace gw;
using namespace gw::store;
using gw::testing::fill;
using gw::testing::TempDir;
using gw::testing::TestLog;
using gw::testing::writer_options;

namespace {

const WallTime kNow = from_unix(1'760'000'000);
const std::string kSum = "0zkPWcxWmiWHZYW2QX4N5VurqP4g";

std::string record_of(std::uint64_t n, std::uint64_t size = 1) {
  const std::string version = "v1.0." + std::to_string(n);
  return tlog::format_build_record(
      {{"example.test/m", version, "/", "linux", "amd64", "go1.26.8", n % 2 == 1}, size, kSum});
}

std::string key_of(std::uint64_t n) { return tlog::kBuildLog.key_of(record_of(n)); }

TestLog builds_log(std::uint64_t records) {
  TestLog log("builds.test", tlog::kBuildLog);
  for (std::uint64_t n = 0; n < records; ++n) log.append(record_of(n));
  return log;
}

std::string text_of(const std::string& db, const std::string& key) {
  sqlite::Database d = sqlite::Database::open(db, sqlite::Database::Mode::kRead).value();
  sqlite::Statement s = d.prepare("SELECT text FROM build WHERE key = ?").value();
  return s.bind_text(1, key).step().value() ? std::string(s.bytes(0)) : std::string();
}

}  // namespace

TEST_CASE("every build's record is kept by its key") {
  const TempDir dir;
  TestLog log = builds_log(600);
  log.append("odd one\n");
  Writer w = Writer::open(dir.file("db"), writer_options(log)).value();
  REQUIRE(fill(w, log, 300, kNow));
  REQUIRE(fill(w, log, 601, kNow));
  CHECK(w.state().builds == 600);
  CHECK(w.state().modules == 0);
  CHECK(w.state().irregular == 1);
  CHECK(w.state().reached->size == 601);
  CHECK(text_of(dir.file("db"), key_of(7)) == record_of(7));
  CHECK(text_of(dir.file("db"), key_of(599)) == record_of(599));
  CHECK(text_of(dir.file("db"), key_of(600)).empty());
  Reader r = Reader::open(dir.file("db")).value();
  CHECK(r.state()->keep == Keep::kBuilds);
  CHECK(r.record(299).value() == record_of(299));
  CHECK(r.record(600).value() == "odd one\n");
  CHECK_FALSE(r.record(601).value());
  // The database alone gives the tree at any size.
  for (const std::uint64_t size : {0, 1, 100, 256, 300, 512, 600, 601}) {
    CHECK(w.root_at(size).value() == log.root(size));
  }
}

TEST_CASE("a key that the log has twice") {
  const TempDir dir;
  TestLog log = builds_log(300);
  Writer w = Writer::open(dir.file("db"), writer_options(log)).value();
  REQUIRE(fill(w, log, 300, kNow));
  log.append(record_of(5));
  log.append(record_of(6, 2));
  std::vector<RepeatedVersion> seen;
  const RepeatCheck check = [&](std::span<const RepeatedVersion> repeats) {
    seen.assign(repeats.begin(), repeats.end());
    std::vector<bool> same;
    for (const RepeatedVersion& r : repeats)
      same.push_back(log.record(r.first) == log.record(r.record));
    return Result<std::vector<bool>>(same);
  };
  REQUIRE(w.set_target(log.head(), kNow, {}));
  const auto pending = gw::testing::verified(log, w, 302, 302).value();
  auto report = w.commit(pending, check).value();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].module + "@" + seen[0].version == key_of(5));
  CHECK(seen[0].first == 5);
  CHECK(seen[0].record == 300);
  REQUIRE(report.conflicts.size() == 1);
  CHECK(report.conflicts[0].record == 301);
  CHECK(w.state().position == 300);  // nothing of it
  CHECK(w.state().builds == 300);
  REQUIRE(w.halt({"duplicate", "twice", "file", kNow}, report.conflicts));
  REQUIRE(w.clear_alarm(kNow));
  report = w.commit(pending, check).value();
  CHECK(report.conflicts.empty());
  CHECK(report.duplicates == 1);
  CHECK(report.cleared == 1);
  CHECK(text_of(dir.file("db"), key_of(6)) == record_of(6));  // the first one stays
  CHECK(w.state().position == 302);
  CHECK(w.state().builds == 300);
}

TEST_CASE("a database is of one form of log") {
  const TempDir dir;
  TestLog log = builds_log(10);
  TestLog go;
  go.add_synthetic(10);
  {
    Writer w = Writer::open(dir.file("builds"), writer_options(log)).value();
    REQUIRE(fill(w, log, 10, kNow));
    Writer v = Writer::open(dir.file("go"), writer_options(go)).value();
    REQUIRE(fill(v, go, 10, kNow));
    // Records of the other form do not get in, whoever mixes them up.
    PendingRecords pending(Keep::kVersions);
    tlog::RunFetcher follower(log, log.head(), {});
    REQUIRE(follower.start());
    const auto batch = tlog::verify_run(follower.fetch(0, 1).value()).value();
    CHECK(pending.add(batch).error().kind == ErrorKind::kInternal);
  }
  WriterOptions other = writer_options(log);
  other.format = &tlog::kGoLog;
  auto refused = Writer::open(dir.file("builds"), other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kUsage);
  CHECK_THAT(refused.error().message, Catch::Contains("of the form build, not go"));
  other = writer_options(go);
  other.format = &tlog::kBuildLog;
  CHECK(Writer::open(dir.file("go"), other).error().kind == ErrorKind::kUsage);
  // Whoever does not say which log takes either.
  CHECK(Writer::open(dir.file("builds"), WriterOptions{}));
}

TEST_CASE("a database from before build logs is read as it is, and brought up to date to write") {
  const TempDir dir;
  const std::string path = dir.file("db");
  TestLog log;
  log.add_synthetic(600);
  {
    Writer w = Writer::open(path, writer_options(log)).value();
    REQUIRE(fill(w, log, 300, kNow));
  }
  {
    sqlite::Database db = sqlite::Database::open(path, sqlite::Database::Mode::kWrite).value();
    REQUIRE(
        db.exec("DROP TABLE build; DROP TABLE unproven; ALTER TABLE log DROP COLUMN identity; "
                "ALTER TABLE log DROP COLUMN gomod_from; PRAGMA user_version = 1"));
  }
  CHECK(Reader::open(path).value().state()->position == 300);
  Writer w = Writer::open(path, writer_options(log)).value();
  CHECK(w.state().position == 300);
  REQUIRE(fill(w, log, 600, kNow));
  sqlite::Database db = sqlite::Database::open(path, sqlite::Database::Mode::kRead).value();
  CHECK(db.integer("PRAGMA user_version").value() == schema_version());
  CHECK(db.integer("SELECT count(*) FROM build").value() == 0);
}
