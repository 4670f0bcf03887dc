#include "dnsd/module_source.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "dns/module_name.h"
#include "os/file.h"
#include "sqlite/sqlite.h"
#include "support/dnsd/follow_into.h"
#include "support/dnsd/reader_section.h"
#include "support/tlog/test_log.h"

namespace gw::dnsd {
namespace {

struct Database {
  std::string dir;
  std::string db;
  testing::TestLog log;

  Database() {
    std::string name = (std::filesystem::temp_directory_path() / "gwtool-serve-XXXXXX").string();
    dir = ::mkdtemp(name.data());
    db = dir + "/db";
  }
  ~Database() { std::filesystem::remove_all(dir); }
  void follow(std::int64_t accepted) {
    auto followed = testing::follow_into(db, log, log.key(), log.key().format(), log.head(),
                                         from_unix(accepted));
    INFO((followed ? "" : followed.error().message));
    REQUIRE(followed);
  }
};

struct Source {
  Epochs epochs;
  ModuleIndex index{epochs};
  ModuleLookup lookup{epochs};
  Logger log{LogLevel::kError, [](std::string_view) {}};
  ModuleSource source;

  explicit Source(const Database& d, bool partial = false, unsigned threads = 2,
                  std::uint64_t load_at_once = 200'000)
      : source({.db = d.db,
                .zone_size = 15,
                .allow_partial = partial,
                .threads = threads,
                .load_at_once = load_at_once},
               index, lookup, log) {}

  // "-": no such name; "": no records.
  std::string txt(const std::string& path) {
    std::array<char, dns::kMaxName> labels;
    const std::size_t n = dns::encode_module_labels(path, 15, labels);
    if (n == 0) return "no name";
    const auto found = index.find({labels.data(), n});
    if (!found.exists) return "-";
    return found.rdatas.empty() ? "" : std::string(found.rdatas.substr(3));
  }
};

// Polls until nothing is to be loaded; how often something changed.
int settle(Source& s) {
  int changes = 0;
  for (auto changed = s.source.poll(); changed && *changed; changed = s.source.poll()) ++changes;
  return changes;
}

TEST_CASE("a database that takes another's place is served, and nothing of the old one") {
  Database d;
  d.log.add("example.com/old", "v1.0.0");
  d.log.add("example.com/both", "v1.0.0");
  d.follow(0x60000000);
  Database other;
  other.log.add("example.com/new", "v1.0.0");
  other.log.add("example.com/both", "v2.0.0");
  other.follow(0x60000001);
  Source s(d);
  REQUIRE(s.source.start());
  REQUIRE(settle(s) == 0);
  const auto remove_all = [&] {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(d.db + end);
  };
  const auto checkpoint = [](const std::string& db) {
    sqlite::Database open = sqlite::Database::open(db, sqlite::Database::Mode::kWrite).value();
    REQUIRE(open.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  };
  SECTION("renamed over it") {
    remove_all();
    std::filesystem::rename(other.db, d.db);
  }
  SECTION("removed and made anew") {
    remove_all();
    d.log = testing::TestLog();
    d.log.add("example.com/new", "v1.0.0");
    d.log.add("example.com/both", "v2.0.0");
    d.follow(0x60000001);
  }
  SECTION("copied over it in place") {
    checkpoint(d.db);
    checkpoint(other.db);
    std::ofstream(d.db, std::ios::binary | std::ios::trunc)
        << std::ifstream(other.db, std::ios::binary).rdbuf();
  }
  const auto found = s.source.poll();
  REQUIRE(found);
  CHECK(*found);
  CHECK_FALSE(s.source.content().ready);  // said before anything is forgotten
  CHECK(s.source.must_reload());
  CHECK(s.txt("example.com/old") == "v=v1.0.0 t=60000000");
  CHECK(settle(s) == 1);
  CHECK(s.source.content().ready);
  CHECK_FALSE(s.source.must_reload());
  CHECK(s.txt("example.com/old") == "-");
  CHECK(s.txt("example.com/new") == "v=v1.0.0 t=60000001");
  CHECK(s.txt("example.com/both") == "v=v2.0.0 t=60000001");
  CHECK(s.index.stats().answers == 2);
}

TEST_CASE("a copy that does not fit the log of changes is served once that is mended") {
  Database d;
  d.log.add("example.com/old", "v1.0.0");
  d.follow(0x60000000);
  Database other;
  for (int i = 0; i < 500; ++i) other.log.add(fmt::format("example.com/m{}", i), "v1.0.0");
  other.follow(0x60000001);
  Source s(d);
  REQUIRE(s.source.start());
  const auto write = [](const std::string& db, const char* sql) {
    REQUIRE(sqlite::Database::open(db, sqlite::Database::Mode::kWrite).value().exec(sql));
  };
  write(d.db, "UPDATE log SET checked_at = 1");  // stays in the log of changes
  write(other.db, "PRAGMA wal_checkpoint(TRUNCATE)");
  std::ofstream(d.db, std::ios::binary | std::ios::in)
      << std::ifstream(other.db, std::ios::binary).rdbuf();
  CHECK_FALSE(s.source.poll());
  CHECK_FALSE(s.source.poll());
  CHECK(s.txt("example.com/old") == "v=v1.0.0 t=60000000");
  for (const char* end : {"-wal", "-shm"}) std::filesystem::remove(d.db + end);
  CHECK(settle(s) >= 1);
  CHECK(s.source.content().tree_size == 500);
  CHECK(s.txt("example.com/old") == "-");
}

TEST_CASE("a database that changes under the server is told by name") {
  Database d;
  d.log.add("example.com/a", "v1.0.0");
  d.follow(0x60000000);
  Source s(d);
  REQUIRE(s.source.start());
  const auto write = [&](const char* sql) {
    REQUIRE(sqlite::Database::open(d.db, sqlite::Database::Mode::kWrite).value().exec(sql));
  };
  const std::int64_t version = sqlite::Database::open(d.db, sqlite::Database::Mode::kRead)
                                   .value()
                                   .integer("PRAGMA user_version")
                                   .value();
  // As a newer gwtool migrates it.
  write("PRAGMA user_version = 99");
  auto polled = s.source.poll();
  REQUIRE_FALSE(polled);
  CHECK(polled.error().kind == ErrorKind::kUsage);
  CHECK(polled.error().message.find(d.db + ": its schema has version 99") == 0);
  write(fmt::format("PRAGMA user_version = {}; DROP TABLE log", version).c_str());
  polled = s.source.poll();
  REQUIRE_FALSE(polled);
  CHECK(polled.error().message.find(d.db + ": ") == 0);
  CHECK(polled.error().message.find(d.db, 1) == std::string::npos);
  CHECK(s.txt("example.com/a") == "v=v1.0.0 t=60000000");
}

TEST_CASE("a database that is gone is told, and taken up when it is back") {
  Database d;
  d.log.add("example.com/a", "v1.0.0");
  d.follow(0x60000000);
  Source s(d);
  REQUIRE(s.source.start());
  std::filesystem::rename(d.db, d.db + ".away");
  const auto gone = s.source.poll();
  REQUIRE_FALSE(gone);
  CHECK(gone.error().kind == ErrorKind::kNotFound);
  CHECK(s.txt("example.com/a") == "v=v1.0.0 t=60000000");
  std::filesystem::rename(d.db + ".away", d.db);
  CHECK(settle(s) == 0);
  d.log.add("example.com/a", "v1.1.0");
  d.follow(0x60000001);
  CHECK(settle(s) == 1);
  CHECK(s.txt("example.com/a") == "v=v1.1.0 t=60000001");
}

TEST_CASE("commits are seen when SQLite's other files were removed") {
  Database d;
  d.log.add("example.com/a", "v1.0.0");
  d.follow(0x60000000);
  Source s(d);
  REQUIRE(s.source.start());
  for (const char* end : {"-wal", "-shm"}) std::filesystem::remove(d.db + end);
  d.log.add("example.com/a", "v1.1.0");
  d.follow(0x60000001);
  CHECK(settle(s) >= 1);
  CHECK(s.txt("example.com/a") == "v=v1.1.0 t=60000001");
  CHECK(s.source.content().tree_size == 2);
}

TEST_CASE("a database becomes answers, and each commit is taken up") {
  Database d;
  d.log.add("github.com/mjl-/mox", "v0.0.13");
  d.log.add("github.com/mjl-/mox", "v0.0.14");
  d.log.add("example.com/a", "v0.0.0-20200101000000-abcdefabcdef");
  d.log.add("example.com", "v1.0.0");  // has no name
  d.log.add("example.com/inc", "v2.0.0+incompatible");
  d.follow(0x60000000);
  Source s(d);
  REQUIRE(s.source.start());
  CHECK(s.source.content().ready);
  CHECK(s.source.content().tree_size == 5);
  CHECK(s.source.content().toolchain.empty());
  CHECK(to_unix(s.source.content().newest_head) == 0x60000000);
  CHECK(s.txt("github.com/mjl-/mox") == "v=v0.0.14 t=60000000");
  CHECK(s.txt("example.com/a").empty());
  CHECK(s.txt("example.com/inc") == "v=v2.0.0+incompatible t=60000000");
  CHECK(s.txt("example.com/new") == "-");
  CHECK(s.txt("example.com") == "no name");
  CHECK_FALSE(*s.source.poll());
  CHECK_FALSE(*s.source.poll());

  d.log.add("github.com/mjl-/mox", "v0.0.15");
  d.log.add("github.com/mjl-/mox", "v1.0.0-rc1");
  d.log.add("example.com/new", "v1.2.3");
  d.log.add("golang.org/toolchain", "v0.0.1-go1.25.6.linux-amd64");
  d.log.add("golang.org/toolchain", "v0.0.1-go1.24.12.linux-amd64");
  d.log.add("example.com/inc", "v1.0.0");
  d.follow(0x60000100);
  CHECK(*s.source.poll());
  CHECK(s.source.content().tree_size == 11);
  CHECK(s.txt("github.com/mjl-/mox") == "v=v0.0.15 t=60000100");
  CHECK(s.txt("example.com/new") == "v=v1.2.3 t=60000100");
  CHECK(s.txt("example.com/inc") == "v=v1.0.0 t=60000100");
  CHECK(s.txt("golang.org/toolchain").empty());
  CHECK(s.source.content().toolchain ==
        "v=go1.25.6 k=cur t=60000100; v=go1.24.12 k=prev t=60000100");
  CHECK_FALSE(*s.source.poll());
  REQUIRE(s.source.log_state());
  CHECK(s.source.log_state()->position == 11);
}

TEST_CASE("a full scan and many commits give the same answers") {
  Database d;
  Database reference;
  for (int i = 0; i < 3000; ++i) {
    d.log.add(fmt::format("example.com/o{}/m{}", i % 37, i % 701),
              fmt::format("v{}.{}.0", i % 2, i));
  }
  d.log.serve(1000);
  auto at = [&](std::uint64_t n, std::int64_t t) {
    REQUIRE(testing::follow_into(d.db, d.log, d.log.key(), d.log.key().format(), d.log.head(n),
                                 from_unix(t)));
  };
  d.log.serve(3000);
  at(1000, 100);
  Source s(d);
  REQUIRE(s.source.start());
  for (std::uint64_t n = 1100; n <= 3000; n += 100) {
    at(n, static_cast<std::int64_t>(n));
    CHECK(*s.source.poll());
  }
  Source whole(d, false, 1);
  REQUIRE(whole.source.start());
  CHECK(whole.index.stats().names == s.index.stats().names);
  for (int i = 0; i < 3000; ++i) {
    const std::string path = fmt::format("example.com/o{}/m{}", i % 37, i % 701);
    REQUIRE(whole.txt(path) == s.txt(path));
    REQUIRE(!s.txt(path).empty());
  }
}

TEST_CASE("a large database is served while its names are loaded") {
  Database d;
  for (int i = 0; i < 3000; ++i) {
    d.log.add(fmt::format("h{}.example/o{}/m{}", i % 11, i % 37, i % 701),
              fmt::format("v{}.{}.0", i % 2, i));
  }
  d.follow(100);
  Source whole(d);
  REQUIRE(whole.source.start());
  Source s(d, false, 2, 0);
  REQUIRE(s.source.start());
  CHECK(s.source.content().ready);
  CHECK(s.source.content().tree_size == 3000);
  CHECK(s.source.loading());
  {
    Epochs::Reader reader(s.epochs);
    const ReaderSection section(reader);
    CHECK(s.lookup.state() != nullptr);
  }
  const auto loaded = [&] {
    while (s.source.loading()) REQUIRE(s.source.poll());
  };
  loaded();
  CHECK(s.lookup.state() == nullptr);
  CHECK(s.index.stats().names == whole.index.stats().names);
  CHECK(s.index.stats().answers == whole.index.stats().answers);
  for (int i = 0; i < 3000; ++i) {
    const std::string path = fmt::format("h{}.example/o{}/m{}", i % 11, i % 37, i % 701);
    REQUIRE(whole.txt(path) == s.txt(path));
  }

  // A commit of more modules than are taken one by one: what was served stays until all is read.
  for (int i = 0; i < 9000; ++i) d.log.add(fmt::format("new.example/m{}", i), "v1.0.0");
  d.log.add("h0.example/o0/m0", "v1.9999.0");
  d.follow(200);
  const auto changed = s.source.poll();
  REQUIRE(changed);
  CHECK_FALSE(*changed);
  CHECK(s.source.content().tree_size == 3000);
  CHECK(s.source.loading());
  CHECK(s.lookup.state() == nullptr);
  bool raised = false;
  while (!raised) {
    const auto now = s.source.poll();
    REQUIRE(now);
    raised = *now;
  }
  CHECK_FALSE(s.source.loading());
  CHECK(s.source.content().tree_size == 12001);
  CHECK(s.txt("new.example/m8999") == "v=v1.0.0 t=c8");
  CHECK(s.txt("h0.example/o0/m0").starts_with("v=v1.9999.0 t=c8"));
}

TEST_CASE(
    "what is committed during a load is looked up until the index has it, and so is its host") {
  Database d;
  for (int i = 0; i < 3000; ++i) d.log.add(fmt::format("old.example/m{}", i), "v1.0.0");
  d.follow(100);
  Source s(d, false, 2, 0);
  REQUIRE(s.source.start());
  REQUIRE(s.source.loading());
  // So much that the next load must be another whole one: what was rewritten is in neither yet.
  for (int i = 0; i < 9000; ++i) d.log.add(fmt::format("new.example/m{}", i), "v1.0.0");
  for (int i = 0; i < 3000; ++i) d.log.add(fmt::format("old.example/m{}", i), "v1.1.0");
  d.follow(200);
  Epochs::Reader reader(s.epochs);
  const auto known = [&](const std::string& path) {
    const ReaderSection section(reader);
    const ModuleLookup::State* lookup = s.lookup.state();
    if (s.txt(path) != "-") return true;
    std::array<char, dns::kMaxName> labels;
    std::array<char, ModuleLookup::kRdatas> rdatas;
    const std::size_t n = dns::encode_module_labels(path, 15, labels);
    return lookup != nullptr &&
           lookup->find({labels.data(), n}, rdatas).kind == ModuleLookup::Kind::kAnswer;
  };
  // Whether that load is done by now or not, the next poll has the host.
  REQUIRE(s.source.poll());
  CHECK(s.index.find(std::string_view("\1_\3new\7example", 14)).exists);
  for (bool done = false; !done; done = !s.source.loading()) {
    CHECK(known("old.example/m17"));
    REQUIRE(s.source.poll());
  }
  while (s.source.content().tree_size != 15000) REQUIRE(s.source.poll());
  CHECK(s.lookup.state() == nullptr);
  CHECK(s.txt("old.example/m17") == "v=v1.1.0 t=c8");

  // A few: the host is there with the next poll, whether the load is done by then or not.
  Source again(d, false, 2, 0);
  REQUIRE(again.source.start());
  d.log.add("other.test/m", "v1.0.0");
  d.log.add("golang.org/toolchain", "v0.0.1-go1.25.6.linux-amd64");
  d.follow(300);
  CHECK(*again.source.poll());
  CHECK(again.source.content().tree_size == 15'002);
  CHECK(to_unix(again.source.content().newest_head) == 300);
  CHECK(again.source.content().toolchain == "v=go1.25.6 k=cur t=12c");
  CHECK(again.source.log_state()->position == 15'002);
  CHECK(again.index.find(std::string_view("\1_\5other\4test", 13)).exists);
}

TEST_CASE("hosts of a newer copy that takes the database's place during a load") {
  Database d;
  for (int i = 0; i < 30'000; ++i) d.log.add(fmt::format("old.example/m{}", i), "v1.0.0");
  d.follow(100);
  const auto checkpoint = [](const std::string& db) {
    sqlite::Database open = sqlite::Database::open(db, sqlite::Database::Mode::kWrite).value();
    REQUIRE(open.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  };
  checkpoint(d.db);
  Database newer;
  std::filesystem::copy_file(d.db, newer.db);
  newer.log = d.log;
  newer.log.add("other.test/m", "v1.0.0");
  REQUIRE(testing::follow_into(newer.db, newer.log, d.log.key(), d.log.key().format(),
                               newer.log.head(), from_unix(200)));
  checkpoint(newer.db);
  Source s(d, false, 2, 0);
  REQUIRE(s.source.start());
  REQUIRE(s.source.poll());
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(d.db + end);
  std::filesystem::rename(newer.db, d.db);
  REQUIRE(s.source.poll());
  CHECK(s.source.content().ready);
  CHECK(s.index.find(std::string_view("\1_\5other\4test", 13)).exists);
}

TEST_CASE("a database that is replaced while it is loaded") {
  Database d;
  for (int i = 0; i < 3000; ++i) d.log.add(fmt::format("old.example/m{}", i), "v1.0.0");
  d.follow(100);
  Database other;
  other.log.add("example.com/new", "v1.0.0");
  other.follow(200);
  Source s(d, false, 2, 0);
  REQUIRE(s.source.start());
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(d.db + end);
  std::filesystem::rename(other.db, d.db);
  const auto found = s.source.poll();
  REQUIRE(found);
  CHECK(*found);
  CHECK_FALSE(s.source.content().ready);
  CHECK_FALSE(s.source.loading());
  while (!s.source.content().ready || s.source.loading()) REQUIRE(s.source.poll());
  CHECK(s.txt("old.example/m1") == "-");
  CHECK(s.txt("example.com/new") == "v=v1.0.0 t=c8");
}

TEST_CASE("a first run that is not done, then done") {
  Database d;
  d.log.add_synthetic(600);
  {
    auto writer = store::Writer::open(
        d.db,
        {.log_name = "sum.test", .log_key = d.log.key().format(), .keep = std::nullopt, .vfs = {}});
    REQUIRE(writer);
    REQUIRE(writer->set_target(d.log.head(), from_unix(1000), {}));
  }
  Source s(d);
  REQUIRE(s.source.start());
  CHECK_FALSE(s.source.content().ready);
  d.follow(1000);
  CHECK(*s.source.poll());
  CHECK(s.source.content().ready);
  CHECK(s.index.stats().answers > 0);
}

TEST_CASE("a database that is missing, appears, is partial, or is none") {
  Database d;
  {
    Database nowhere;
    nowhere.db += "/none/db";
    Source s(nowhere);
    const auto started = s.source.start();
    REQUIRE_FALSE(started);
    CHECK(started.error().kind == ErrorKind::kNotFound);
    CHECK(started.error().hint.find("follow-tlog") != std::string::npos);
  }
  Source waiting(d);
  REQUIRE(waiting.source.start());
  CHECK_FALSE(*waiting.source.poll());
  d.log.add_synthetic(700);
  REQUIRE(testing::follow_into(d.db, d.log, d.log.key(), d.log.key().format(), d.log.head(),
                               from_unix(1000), d.log.frontier(256)));
  const auto polled = waiting.source.poll();
  REQUIRE_FALSE(polled);
  CHECK(polled.error().kind == ErrorKind::kUsage);
  CHECK(polled.error().hint.find("--partial") != std::string::npos);
  Source partial(d, true);
  REQUIRE(partial.source.start());
  CHECK(partial.source.content().ready);

  Database other;
  REQUIRE(os::write_file_atomic(other.db, "this is no database, and long enough to be looked at",
                                0644));
  Source bad(other);
  CHECK(bad.source.start().error().kind == ErrorKind::kUsage);
}

}  // namespace
}  // namespace gw::dnsd
