// Writer and Reader on one file: what goes in comes out, and what must be refused is.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "module/releases.h"
#include "os/file.h"
#include "sqlite/sqlite.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/writer.h"
#include "support/store/fill.h"
#include "support/store/look.h"
#include "tlog/go_log.h"
#include "tlog/hash.h"

using namespace gw;
using namespace gw::store;
using gw::testing::fill;
using gw::testing::latest_of;
using gw::testing::record_of;
using gw::testing::TempDir;
using gw::testing::TestLog;
using gw::testing::verified;
using gw::testing::writer_options;

namespace {

const WallTime kFirst = from_unix(1'700'000'000);
const WallTime kSecond = from_unix(1'700'001'000);

Writer open_writer(const TempDir& dir, const TestLog& log, std::optional<Keep> keep = {}) {
  return Writer::open(dir.file("db"), writer_options(log, keep)).value();
}

Error open_error(const std::string& path, const WriterOptions& options) {
  auto writer = Writer::open(path, options);
  REQUIRE_FALSE(writer);
  return writer.error();
}

}  // namespace

TEST_CASE("one module's summary, paths in their order, and a sample of them") {
  TempDir dir;
  TestLog log;
  for (const char* path : {"b.x/a", "a.x/a", "b.x/b", "c.x/a", "b.x/c"}) log.add(path, "v1.0.0");
  auto w = Writer::open(dir.file("db"), writer_options(log)).value();
  REQUIRE(fill(w, log, 5, from_unix(1)));
  auto reader = Reader::open(dir.file("db")).value();
  CHECK(*reader.latest("b.x/b") == "v1.0.0=2");
  CHECK_FALSE(reader.latest("b.x")->has_value());
  const auto walk = [&](std::string_view from, std::string_view at, const std::string& to) {
    std::vector<std::string> seen;
    REQUIRE(reader.walk_paths(from, [&](std::string_view path) {
      seen.emplace_back(path);
      return path == at ? (to.empty() ? std::nullopt : std::optional(to))
                        : std::optional<std::string>("");
    }));
    return seen;
  };
  using Paths = std::vector<std::string>;
  CHECK(walk("", "", "") == Paths{"a.x/a", "b.x/a", "b.x/b", "b.x/c", "c.x/a"});
  CHECK(walk("b.x/b", "", "") == Paths{"b.x/b", "b.x/c", "c.x/a"});
  CHECK(walk("", "b.x/a", "b.x0") == Paths{"a.x/a", "b.x/a", "c.x/a"});
  CHECK(walk("", "b.x/b", "") == Paths{"a.x/a", "b.x/a", "b.x/b"});
  CHECK(reader.sample_paths(5)->size() == 5);
  CHECK(reader.sample_paths(100)->size() == 5);
  CHECK(reader.sample_paths(2)->size() == 2);
  // A file may come from anywhere: numbers near the largest.
  auto db = sqlite::Database::open(dir.file("db"), sqlite::Database::Mode::kWrite).value();
  REQUIRE(
      db.exec("UPDATE module SET id = 6750000000000000001 WHERE path = 'b.x/b';"
              "UPDATE module SET id = 9000000000000000000 WHERE path = 'c.x/a'"));
  CHECK(*reader.sample_paths(4) == Paths{"a.x/a", "b.x/b"});
}

TEST_CASE("the file alone is whole once its writer is gone, whoever reads it") {
  TempDir dir;
  const std::string db = dir.file("db");
  TestLog log;
  log.add_synthetic(600);
  std::optional<Reader> reader;
  {
    auto w = Writer::open(db, writer_options(log)).value();
    REQUIRE(fill(w, log, 300, from_unix(1)));
    reader.emplace(Reader::open(db).value());
    REQUIRE(reader->state()->position == 300);
    REQUIRE(fill(w, log, 600, from_unix(2)));
  }
  std::filesystem::copy(db, dir.file("copy"));
  CHECK(Reader::open(dir.file("copy")).value().state()->position == 600);
  CHECK(reader->state()->position == 600);
}

TEST_CASE("nothing is created before the first head") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(300);
  {
    Writer w = open_writer(dir, log);
    CHECK_FALSE(w.created());
    CHECK_FALSE(os::file_exists(dir.file("db")));
    CHECK(Reader::open(dir.file("db")).error().kind == ErrorKind::kNotFound);
    REQUIRE(w.set_target(log.head(300), kFirst, {}));
    CHECK(w.created());
  }
  Reader r = Reader::open(dir.file("db")).value();
  const LogState s = r.state().value();
  CHECK(s.log_name == "sum.test");
  CHECK(s.position == 0);
  CHECK(s.target->size == 300);
  CHECK(s.target->note == log.head_note(300));
  CHECK(s.target->accepted == kFirst);
  CHECK_FALSE(s.complete());
}

TEST_CASE("records, position and heads survive and can be read") {
  const Keep keep = GENERATE(Keep::kVersions, Keep::kRecords);
  TempDir dir;
  TestLog log;
  log.add("example.com/a", "v1.0.0");
  log.add("example.com/a", "v1.1.0");
  log.add("example.com/b", "v0.0.0-20190501004415-9ce7a6920f09");
  log.append("not a record at all\n");
  log.add("golang.org/toolchain", "v0.0.1-go1.26.8.linux-amd64");
  log.add_synthetic(1000);
  {
    Writer w = open_writer(dir, log, keep);
    REQUIRE(fill(w, log, 600, kFirst));
  }
  {
    Writer w = open_writer(dir, log);  // --keep not given: what the database has
    CHECK(w.keep() == keep);
    CHECK(w.state().position == 600);
    CHECK(w.frontier() == log.frontier(600));
    REQUIRE(fill(w, log, 1005, kSecond));
    for (std::uint64_t n : {0, 256, 512, 768, 1004, 1005}) {
      INFO(n);
      CHECK(w.root_at(n).value() == log.root(n));
    }
    CHECK(w.root_at(700).value() ==
          (keep == Keep::kRecords ? std::optional(log.root(700)) : std::nullopt));
    CHECK(w.root_at(1006).value() == std::nullopt);
    CHECK(w.head(600).value()->note == log.head_note(600));
    CHECK(w.head(601).value() == std::nullopt);
  }
  Reader r = Reader::open(dir.file("db")).value();
  const LogState s = r.state().value();
  CHECK(s.position == 1005);
  CHECK(s.reached->size == 1005);
  CHECK(s.irregular == 1);
  CHECK(s.commit == 2);
  CHECK(s.keep == keep);
  CHECK_FALSE(s.partial());
  const auto heads = r.head_times().value();
  REQUIRE(heads.size() == 2);
  CHECK(accepted_at(heads, 0) == kFirst);
  CHECK(accepted_at(heads, 599) == kFirst);
  CHECK(accepted_at(heads, 600) == kSecond);
  CHECK(accepted_at(heads, 1005) == std::nullopt);
  CHECK(r.head_times(600).value().size() == 1);

  CHECK(latest_of(r, "example.com/a") == "v1.1.0=1");
  CHECK(latest_of(r, "example.com/b") == "");
  CHECK(latest_of(r, "example.com/none") == std::nullopt);
  CHECK(latest_of(r, "golang.org/toolchain") == "go1.26.8=4");
  CHECK(record_of(r, "example.com/a", "v1.0.0") == 0U);
  CHECK(record_of(r, "example.com/a", "v1.0.9") == std::nullopt);

  // Every record of the log is found again under its number.
  std::uint64_t modules = 0;
  std::uint64_t versions = 0;
  REQUIRE(r.each_module([&](const ModuleRow& m) {
    ++modules;
    const std::string path(m.path);
    Reader other = Reader::open(dir.file("db")).value();
    mod::ReleaseSummary summary;
    const auto rows = other.versions(path).value();
    for (const VersionRow& v : rows) {
      const auto record = tlog::parse_go_record(log.record(v.record));
      CHECK((record && record->module == path && record->version == v.version));
      summary.add(v.version, v.record);
      ++versions;
    }
    if (path != "golang.org/toolchain") CHECK(summary.format() == m.latest);
    return true;
  }));
  CHECK(modules == s.modules);
  CHECK(versions == 1004);

  std::map<std::string, int> sharded;
  for (unsigned i = 0; i < 3; ++i) {
    REQUIRE(r.each_module([&](const ModuleRow& m) { return ++sharded[std::string(m.path)] > 0; }, i,
                          3));
  }
  CHECK(sharded.size() == modules);
  for (const auto& [path, count] : sharded) CHECK(count == 1);

  CHECK(testing::level1(dir.file("db"), 0, 3).value()->size() == 3);
  CHECK(testing::level1(dir.file("db"), 0, 4).value() == std::nullopt);

  if (keep == Keep::kRecords) {
    for (std::uint64_t n = 0; n < 1005; ++n) CHECK(r.record(n).value() == log.record(n));
    CHECK(r.record(1005).value() == std::nullopt);
  } else {
    CHECK(r.record(0).error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("a partial database begins at a tile and knows its roots from there") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(1500);
  Writer w = open_writer(dir, log, Keep::kRecords);
  REQUIRE(w.set_target(log.head(1500), kFirst, {}, log.frontier(768)));
  REQUIRE(fill(w, log, 1500, kFirst));
  CHECK(w.state().first_record == 768);
  CHECK(w.state().partial());
  CHECK(w.state().records == 1500 - 768);
  CHECK(w.root_at(1024).value() == log.root(1024));
  CHECK(w.root_at(1100).value() == log.root(1100));
  CHECK(w.root_at(767).value() == std::nullopt);
  Reader r = Reader::open(dir.file("db")).value();
  CHECK(r.record(767).value() == std::nullopt);
  CHECK(r.record(768).value() == log.record(768));
  CHECK(testing::level1(dir.file("db"), 2, 1).value() == std::nullopt);
  CHECK(testing::level1(dir.file("db"), 3, 2).value()->size() == 2);
}

TEST_CASE("level-1 rows go on over 65,536 records, wherever they begin") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(70000);
  Writer w = open_writer(dir, log);
  REQUIRE(w.set_target(log.head(70000), kFirst, {}, log.frontier(65024)));
  REQUIRE(fill(w, log, 70000, kFirst));
  Reader r = Reader::open(dir.file("db")).value();
  const auto entries = testing::level1(dir.file("db"), 254, 19).value();
  REQUIRE(entries);
  std::vector<Hash> leaves;
  for (std::uint64_t n = 256UL * 257; n < 256UL * 258; ++n) {
    leaves.push_back(tlog::leaf_hash(log.record(n)));
  }
  CHECK((*entries)[3] == tlog::subtree_root(leaves));
  CHECK(w.root_at(65536 + 256).value() == log.root(65536 + 256));
}

TEST_CASE("readers see changes, or that they must scan again") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(256);
  Writer w = open_writer(dir, log);
  REQUIRE(fill(w, log, 256, kFirst));
  Reader r = Reader::open(dir.file("db")).value();
  const std::uint64_t seen = r.state().value().commit;
  const std::uint64_t version = r.data_version().value();
  CHECK(r.data_version().value() == version);
  CHECK(r.changes_since(seen).value().modules.empty());

  log.add("example.com/new", "v1.0.0");
  log.add("example.com/new", "v1.2.0");
  log.add("example.com/m0", "v9.0.0");
  REQUIRE(fill(w, log, log.size(), kSecond));
  CHECK(r.data_version().value() != version);
  Changes c = r.changes_since(seen).value();
  CHECK_FALSE(c.reload);
  CHECK(c.commit == seen + 1);
  REQUIRE(c.modules.size() == 2);
  for (const Module& m : c.modules) {
    CHECK(m.latest == latest_of(r, m.path));
    CHECK((m.path == "example.com/new" || m.path == "example.com/m0"));
  }
  CHECK(r.changes_since(c.commit + 5).value().reload);

  // Over the window: one commit after another until the first one's row is gone.
  for (int i = 0; i < 1001; ++i) {
    log.add("example.com/new", "v1.3." + std::to_string(i));
    REQUIRE(fill(w, log, log.size(), kSecond));
  }
  CHECK(r.changes_since(seen).value().reload);
  c = r.changes_since(r.state().value().commit - 10).value();
  CHECK_FALSE(c.reload);
  REQUIRE(c.modules.size() == 1);
  CHECK(c.modules[0].latest.starts_with("v1.3.1000="));
  CHECK(w.head(log.size()).value()->size == log.size());
}

TEST_CASE("a commit that touches too many modules asks for a scan") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(256);
  Writer w = open_writer(dir, log);
  REQUIRE(fill(w, log, 256, kFirst));
  for (int i = 0; i < 9000; ++i) log.add("example.org/n" + std::to_string(i), "v1.0.0");
  REQUIRE(fill(w, log, log.size(), kSecond));
  Reader r = Reader::open(dir.file("db")).value();
  CHECK(r.changes_since(1).value().reload);
  CHECK_FALSE(r.changes_since(2).value().reload);
}

TEST_CASE("a snapshot holds one commit") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(512);
  Writer w = open_writer(dir, log);
  REQUIRE(fill(w, log, 256, kFirst));
  Reader r = Reader::open(dir.file("db")).value();
  {
    const auto snapshot = r.snapshot().value();
    REQUIRE(fill(w, log, 512, kSecond));
    CHECK(r.state().value().position == 256);
    CHECK(r.changes_since(1).value().commit == 1);
  }
  CHECK(r.state().value().position == 512);
}

TEST_CASE("repeated versions: the same record is counted, another one stores nothing") {
  TempDir dir;
  TestLog log;
  log.add("example.com/a", "v1.0.0", 1);
  log.add("example.com/a", "v1.0.0", 1);  // in one transaction
  log.add_synthetic(254);
  Writer w = open_writer(dir, log);
  std::vector<RepeatedVersion> asked;
  const auto check = [&](std::span<const RepeatedVersion> repeats) -> Result<std::vector<bool>> {
    std::vector<bool> same;
    for (const RepeatedVersion& r : repeats) {
      asked.push_back(r);
      same.push_back(log.record(r.first) == log.record(r.record));
    }
    return same;
  };
  REQUIRE(fill(w, log, 256, kFirst, check));
  CHECK(w.state().duplicates == 1);
  log.add("example.com/z", "v1.0.0");
  log.add("example.com/a", "v1.0.0", 1);
  log.add("example.com/a", "v1.0.0", 2);
  REQUIRE(w.set_target(log.head(), kSecond, {}));
  const auto pending = verified(log, w, log.size(), log.size()).value();
  auto report = w.commit(pending, check).value();
  REQUIRE(report.conflicts.size() == 1);
  CHECK(report.conflicts[0].module == "example.com/a");
  CHECK(report.conflicts[0].version == "v1.0.0");
  CHECK(report.conflicts[0].first == 0);
  CHECK(report.conflicts[0].record == 258);
  CHECK(w.state().position == 256);
  {
    Reader r = Reader::open(dir.file("db")).value();
    CHECK(latest_of(r, "example.com/z") == std::nullopt);
    CHECK(r.state().value().duplicates == 1);
  }
  REQUIRE(w.halt({"duplicate", "twice", "/evidence", kSecond}, report.conflicts));
  CHECK(w.state().halted());
  REQUIRE(w.clear_alarm(kSecond));
  CHECK_FALSE(w.state().halted());
  report = w.commit(pending, check).value();
  CHECK(report.conflicts.empty());
  CHECK(report.cleared == 1);
  CHECK(w.state().position == 259);
  CHECK(w.state().conflicts == 1);
  CHECK(w.state().duplicates == 2);
  Reader r = Reader::open(dir.file("db")).value();
  CHECK(record_of(r, "example.com/a", "v1.0.0") == 0U);
}

TEST_CASE("an error of the check, or a stop, rolls back") {
  TempDir dir;
  TestLog log;
  log.add("example.com/a", "v1.0.0");
  log.add("example.com/a", "v1.0.0");
  for (int i = 0; i < 5000; ++i) log.add("example.com/n" + std::to_string(i), "v1.0.0");
  Writer w = open_writer(dir, log);
  REQUIRE(w.set_target(log.head(), kFirst, {}));
  const auto pending = verified(log, w, log.size(), log.size()).value();
  const auto fail = [](std::span<const RepeatedVersion>) -> Result<std::vector<bool>> {
    return unavailable_error("no network");
  };
  CHECK(w.commit(pending, fail).error().kind == ErrorKind::kUnavailable);
  CHECK(w.commit(pending, testing::all_same, [] { return false; }).error().kind ==
        ErrorKind::kUnavailable);
  CHECK(w.state().position == 0);
  REQUIRE(w.commit(pending, testing::all_same, [] { return true; }));
  CHECK(w.state().position == log.size());
}

TEST_CASE("heads that could not be compared are kept, each once") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(600);
  {
    Writer w = open_writer(dir, log);
    REQUIRE(w.keep_unproven(log.head(600), "early", kFirst));  // there is no database yet
    REQUIRE(w.set_target(log.head(300), kFirst, {}));
    REQUIRE(w.keep_unproven(log.head(600), "a", kFirst));
    REQUIRE(w.keep_unproven(log.head(400), "b", kSecond));
    REQUIRE(w.keep_unproven(log.head(600), "c", kSecond));
    REQUIRE(w.keep_unproven(log.sign(600, sha256("x")), "d", kSecond));
    CHECK(w.state().unproven == 3);
  }
  CHECK(Reader::open(dir.file("db")).value().state().value().unproven == 3);
  Writer w = open_writer(dir, log);
  CHECK(w.state().unproven == 3);
  const auto heads = w.unproven().value();
  REQUIRE(heads.size() == 3);
  CHECK(heads[0].size == 400);
  CHECK(heads[0].note == log.head_note(400));
  CHECK(heads[1].origin == "a");
  CHECK(heads[1].seen == kFirst);
  CHECK(heads[2].root == sha256("x"));
  REQUIRE(w.forget_unproven(600, sha256("x")));
  REQUIRE(w.forget_unproven(600, sha256("y")));
  CHECK(w.state().unproven == 2);
}

TEST_CASE("alarms and posts are kept") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(600);
  const std::vector<std::string> urls = {"https://a.example/", "https://b.example/"};
  {
    Writer w = open_writer(dir, log);
    REQUIRE(w.set_target(log.head(300), kFirst, urls));
    REQUIRE(fill(w, log, 300, kFirst));
    REQUIRE(w.set_target(log.head(600), kSecond, urls));
    CHECK(w.state().pending_gossip == 4);
    auto posts = w.pending_posts(10).value();
    REQUIRE(posts.size() == 4);
    CHECK(posts[0].note == log.head_note(300));
    CHECK(posts[3].url == urls[1]);
    CHECK(posts[3].size == 600);
    REQUIRE(w.post_done(posts[0].id));
    REQUIRE(w.post_done(posts[0].id));
    CHECK(w.state().pending_gossip == 3);
    REQUIRE(w.halt({"fork", "it forked", "/somewhere", kSecond}));
  }
  Writer w = open_writer(dir, log);
  CHECK(w.state().pending_gossip == 3);
  // The limit is for each address.
  const auto posts_of_both = w.pending_posts(1).value();
  REQUIRE(posts_of_both.size() == 2);
  CHECK(posts_of_both[0].url == urls[1]);
  CHECK(posts_of_both[1].url == urls[0]);
  CHECK(w.forget_posts({}).value() == 0);
  CHECK(w.state().pending_gossip == 3);
  CHECK(w.forget_posts(std::vector{urls[0]}).value() == 2);
  CHECK(w.state().pending_gossip == 1);
  REQUIRE(w.state().alarm);
  CHECK(w.state().alarm->kind == "fork");
  CHECK(w.state().alarm->evidence == "/somewhere");
  CHECK(w.state().alarm->at == kSecond);
}

TEST_CASE("one writer only, one log only, one way of keeping only") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(300);
  {
    Writer w = open_writer(dir, log);
    REQUIRE(fill(w, log, 300, kFirst));
    const Error held = open_error(dir.file("db"), writer_options(log));
    CHECK(held.kind == ErrorKind::kUnavailable);
    CHECK(held.message.find(std::to_string(::getpid())) != std::string::npos);
  }
  const TestLog other("sum.other");
  Error e = open_error(dir.file("db"), writer_options(other));
  CHECK(e.kind == ErrorKind::kUsage);
  CHECK(e.message.find("sum.test") != std::string::npos);
  CHECK(e.message.find("sum.other") != std::string::npos);
  // The same name with another key names both keys.
  WriterOptions twin = writer_options(log);
  twin.log_key = other.key().format();
  e = open_error(dir.file("db"), twin);
  CHECK(e.message.find(log.key().format()) != std::string::npos);
  CHECK(e.message.find(other.key().format()) != std::string::npos);
  e = open_error(dir.file("db"), writer_options(log, Keep::kRecords));
  CHECK(e.kind == ErrorKind::kUsage);
  WriterOptions any;
  CHECK(Writer::open(dir.file("db"), any).value().state().log_name == "sum.test");
}

TEST_CASE("one lock, whichever way leads to the file") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(300);
  const std::string db = dir.file("db");
  const std::string link = dir.file("link");
  std::filesystem::create_symlink("db", link);
  std::filesystem::create_directory(dir.file("sub"));
  std::filesystem::create_symlink("..", dir.file("sub/up"));
  const bool exists = GENERATE(false, true);
  if (exists) {
    Writer w = open_writer(dir, log);
    REQUIRE(fill(w, log, 300, kFirst));
  }
  for (const std::string& held : {db, link}) {
    const Writer w = Writer::open(held, writer_options(log)).value();
    for (const std::string& other : {db, link, dir.file("sub/up/link"), dir.file("./db")}) {
      CHECK(open_error(other, writer_options(log)).kind == ErrorKind::kUnavailable);
    }
  }
  CHECK_FALSE(os::file_exists(link + ".lock"));
}

TEST_CASE("a database with a second name is written by nobody") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(300);
  {
    Writer w = open_writer(dir, log);
    REQUIRE(fill(w, log, 300, kFirst));
  }
  std::filesystem::create_hard_link(dir.file("db"), dir.file("other"));
  for (const char* name : {"db", "other"}) {
    const Error e = open_error(dir.file(name), writer_options(log));
    CHECK(e.kind == ErrorKind::kUsage);
    CHECK(e.message.find("hard link") != std::string::npos);
  }
  std::filesystem::remove(dir.file("other"));
  CHECK(open_writer(dir, log).created());
}

TEST_CASE("a database that was moved away is not written to") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(600);
  Writer w = open_writer(dir, log);
  REQUIRE(fill(w, log, 300, kFirst));
  REQUIRE(w.note_checked(kFirst));
  std::filesystem::rename(dir.file("db"), dir.file("away"));
  const bool replaced = GENERATE(false, true);
  if (replaced) std::filesystem::copy_file(dir.file("away"), dir.file("db"));
  for (const Status& s : {w.note_checked(kSecond), fill(w, log, 600, kSecond)}) {
    REQUIRE_FALSE(s);
    CHECK(s.error().kind == ErrorKind::kCorrupt);
    CHECK(s.error().message.find(replaced ? "another file is there" : "nothing is there") !=
          std::string::npos);
  }
  std::filesystem::rename(dir.file("away"), dir.file("db"));
  CHECK(fill(w, log, 600, kSecond));
}

TEST_CASE("a new database is for its user and group") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(300);
  Writer w = open_writer(dir, log);
  REQUIRE(fill(w, log, 300, kFirst));
  for (const char* name : {"db", "db-wal", "db-shm"}) {
    INFO(name);
    const auto mode = std::filesystem::status(dir.file(name)).permissions();
    CHECK((mode & std::filesystem::perms(07777)) == std::filesystem::perms(0640));
  }
}

TEST_CASE("an alarm before the first head makes the database that knows it") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(600);
  {
    Writer w = open_writer(dir, log, Keep::kRecords);
    REQUIRE(w.halt({"bad-tile", "a tile", "/somewhere", kFirst}));
    CHECK(w.created());
    CHECK(w.state().halted());
  }
  Writer w = open_writer(dir, log, Keep::kRecords);
  REQUIRE(w.state().alarm);
  CHECK_FALSE(w.state().target);
  CHECK_FALSE(Reader::open(dir.file("db")).value().state().value().complete());
  REQUIRE(w.clear_alarm(kSecond));
  // Where it begins is decided by the first head.
  tlog::Frontier start;
  for (std::uint64_t i = 0; i < 256; ++i) start.append(tlog::leaf_hash(log.record(i)));
  REQUIRE(w.set_target(log.head(600), kSecond, {}, start));
  CHECK(w.state().first_record == 256);
  REQUIRE(fill(w, log, 600, kSecond));
  CHECK(w.state().reached->size == 600);
}

TEST_CASE("a second writer that got past the lock stores nothing twice") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(600);
  {
    Writer w = open_writer(dir, log);
    REQUIRE(fill(w, log, 300, kFirst));
  }
  Writer first = open_writer(dir, log);
  REQUIRE(first.set_target(log.head(600), kSecond, {}));
  const auto pending = verified(log, first, 600, 600).value();
  std::filesystem::rename(dir.file("db.lock"), dir.file("stolen"));
  Writer second = open_writer(dir, log);
  REQUIRE(fill(second, log, 600, kSecond));
  const auto late = first.commit(pending, gw::testing::all_same);
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == ErrorKind::kUnavailable);
  Reader r = Reader::open(dir.file("db")).value();
  CHECK(r.state().value().position == 600);
  CHECK(r.state().value().commit == second.state().commit);
}

TEST_CASE("a start that creates nothing leaves no lock file") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(300);
  const std::string lock = dir.file("db.lock");
  SECTION("nothing there") {
    { Writer w = open_writer(dir, log); }
    CHECK_FALSE(os::file_exists(lock));
  }
  SECTION("another program's file") {
    std::ofstream(dir.file("db")) << std::string(5000, 'x');
    CHECK(open_error(dir.file("db"), writer_options(log)).kind == ErrorKind::kUsage);
    CHECK_FALSE(os::file_exists(lock));
  }
  SECTION("a lock file that was there stays") {
    std::ofstream(lock) << "";
    { Writer w = open_writer(dir, log); }
    CHECK(os::file_exists(lock));
  }
  SECTION("a database keeps it") {
    {
      Writer w = open_writer(dir, log);
      REQUIRE(fill(w, log, 300, kFirst));
    }
    CHECK(os::file_exists(lock));
  }
}

TEST_CASE("files that are no database of ours are refused and left alone") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(10);
  const std::string path = dir.file("db");
  const auto refuse = [&](ErrorKind kind, const std::vector<std::string>& words) {
    const auto before = os::read_file(path, 1 << 20).value();
    for (const Error& e : {open_error(path, writer_options(log)), Reader::open(path).error()}) {
      CHECK(e.kind == kind);
      CHECK(e.message.starts_with(path));
      for (const std::string& word : words) {
        INFO(e.message);
        CHECK(e.message.find(word) != std::string::npos);
      }
    }
    CHECK(os::read_file(path, 1 << 20).value() == before);
  };
  SECTION("text") {
    std::ofstream(path) << std::string(5000, 'x');
    refuse(ErrorKind::kUsage, {"not an SQLite database"});
  }
  SECTION("a few octets, which SQLite takes for an empty one") {
    std::ofstream(path) << GENERATE(as<std::string>{}, "x", std::string(511, 'y'));
    refuse(ErrorKind::kUsage, {"not an SQLite database"});
  }
  SECTION("another program's") {
    sqlite::Database::open(path, sqlite::Database::Mode::kCreate)
        .value()
        .exec("CREATE TABLE t(x)")
        .has_value();
    refuse(ErrorKind::kUsage, {"another program"});
  }
  SECTION("another program's, with its mark") {
    auto db = sqlite::Database::open(path, sqlite::Database::Mode::kCreate).value();
    REQUIRE(db.exec("PRAGMA application_id = 7; PRAGMA user_version = 1"));
    refuse(ErrorKind::kUsage, {"another program"});
  }
  SECTION("a newer schema") {
    {
      Writer w = open_writer(dir, log);
      REQUIRE(fill(w, log, 10, kFirst));
    }
    auto db = sqlite::Database::open(path, sqlite::Database::Mode::kWrite).value();
    REQUIRE(db.exec("PRAGMA user_version = 41; PRAGMA wal_checkpoint(TRUNCATE)"));
    db = sqlite::Database();
    refuse(ErrorKind::kUsage, {"version 41", "up to " + std::to_string(schema_version())});
  }
}

TEST_CASE("an empty file is where a database can be made") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(10);
  std::ofstream(dir.file("db")).flush();
  CHECK(Reader::open(dir.file("db")).error().kind == ErrorKind::kNotFound);
  Writer w = open_writer(dir, log);
  CHECK_FALSE(w.created());
  REQUIRE(fill(w, log, 10, kFirst));
  CHECK(w.state().position == 10);
}

TEST_CASE("a damaged database is found out before it is written to") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(600);
  {
    Writer w = open_writer(dir, log);
    REQUIRE(fill(w, log, 300, kFirst));
  }
  const char* damage = GENERATE("UPDATE log SET frontier = zeroblob(length(frontier))",
                                "UPDATE log SET frontier = zeroblob(7)", "DELETE FROM head",
                                "UPDATE log SET tail = zeroblob(31)", "DELETE FROM log",
                                "UPDATE log SET tail = zeroblob(32)", "UPDATE log SET keep = 'x'",
                                "UPDATE head SET root = x'00'", "UPDATE log SET modules = 1 << 60",
                                "UPDATE log SET modules = -1", "UPDATE log SET position = 1 << 60",
                                "UPDATE head SET note = zeroblob(1 << 20)");
  INFO(damage);
  {
    auto db = sqlite::Database::open(dir.file("db"), sqlite::Database::Mode::kWrite).value();
    REQUIRE(db.exec(damage));
  }
  CHECK(open_error(dir.file("db"), writer_options(log)).kind == ErrorKind::kCorrupt);
  auto reader = Reader::open(dir.file("db"));
  const bool of_the_writer =
      std::string_view(damage).find("log SET frontier") != std::string::npos ||
      std::string_view(damage).find("log SET tail") != std::string::npos;
  if (reader && !of_the_writer) CHECK(reader->state().error().kind == ErrorKind::kCorrupt);
}

TEST_CASE("damaged rows are reported as such when they are met") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(1400);
  {
    Writer w = open_writer(dir, log, Keep::kRecords);
    REQUIRE(fill(w, log, 300, kFirst));
  }
  {
    auto db = sqlite::Database::open(dir.file("db"), sqlite::Database::Mode::kWrite).value();
    REQUIRE(
        db.exec("UPDATE version SET data = x'05'; UPDATE sums SET data = x'0101';"
                "UPDATE module SET latest = 'nonsense'; DELETE FROM level1"));
  }
  Reader r = Reader::open(dir.file("db")).value();
  const std::string first = testing::latest_of_all(r).begin()->first;
  CHECK(r.versions(first).error().kind == ErrorKind::kCorrupt);
  CHECK(r.record(0).error().kind == ErrorKind::kCorrupt);
  CHECK(testing::level1(dir.file("db"), 0, 1).error().kind == ErrorKind::kCorrupt);
  Writer w = open_writer(dir, log);
  CHECK(fill(w, log, 1400, kSecond).error().kind == ErrorKind::kCorrupt);
  CHECK(w.root_at(256).error().kind == ErrorKind::kCorrupt);
  CHECK(w.state().position == 300);
}

TEST_CASE("what does not continue the database is refused") {
  TempDir dir;
  TestLog log;
  log.add_synthetic(1000);
  Writer w = open_writer(dir, log);
  REQUIRE(w.set_target(log.head(1000), kFirst, {}));
  CHECK(w.set_target(log.head(999), kSecond, {}).error().kind == ErrorKind::kInternal);
  const auto first = verified(log, w, 1000, 512).value();
  REQUIRE(w.commit(first, testing::all_same));
  CHECK(w.commit(first, testing::all_same).error().kind == ErrorKind::kInternal);
  CHECK(w.state().position == 512);
  // Records of a fork cannot be added to the ones of the log either.
  PendingRecords mixed(Keep::kVersions);
  tlog::RunFetcher f(log, log.head(1000), w.frontier());
  REQUIRE(f.start());
  const auto late = tlog::verify_run(f.fetch(768, 1).value()).value();
  REQUIRE(mixed.add(late));
  CHECK(mixed.add(late).error().kind == ErrorKind::kInternal);
  CHECK(w.commit(mixed, testing::all_same).error().kind == ErrorKind::kInternal);
  CHECK(w.state().position == 512);
}

TEST_CASE("acceptance times") {
  const std::vector<HeadTime> heads = {{10, kFirst}, {20, kSecond}};
  CHECK(accepted_at(heads, 0) == kFirst);
  CHECK(accepted_at(heads, 9) == kFirst);
  CHECK(accepted_at(heads, 10) == kSecond);
  CHECK(accepted_at(heads, 20) == std::nullopt);
  CHECK(accepted_at({}, 0) == std::nullopt);
}
