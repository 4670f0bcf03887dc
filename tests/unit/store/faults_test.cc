// Every write, sync, truncation and opening of a file fails once, and then for good: whatever
// happens, the database is at one of its commits afterwards and goes on from there.
#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "os/file.h"
#include "store/reader.h"
#include "store/writer.h"
#include "support/store/fault_vfs.h"
#include "support/store/fill.h"
#include "support/store/look.h"

using namespace gw;
using namespace gw::store;
using gw::testing::FaultVfs;
using gw::testing::fill;
using gw::testing::TempDir;
using gw::testing::TestLog;

namespace {

const WallTime kFaultsAt = from_unix(1'700'000'000);
const std::vector<std::string> kUrls = {"https://witness.example/"};

TestLog make_log() {
  TestLog log;
  for (int i = 0; i < 150; ++i) log.add("example.com/a", "v1.0." + std::to_string(i));
  log.add_synthetic(100);
  log.append("irregular\n");
  log.add("example.com/a", "v1.0.3");  // a repetition
  log.add_synthetic(200);
  return log;
}

// verified(), once for each place: what fails is the disk, after it.
Result<PendingRecords> verified_once(TestLog& log, const Writer& w, std::uint64_t target,
                                     std::uint64_t end) {
  struct Made {
    tlog::Frontier from;
    PendingRecords records;
  };
  static std::map<std::array<std::uint64_t, 3>, Made> made;
  const std::array<std::uint64_t, 3> place{w.state().position, target, end};
  auto it = made.find(place);
  if (it == made.end() || it->second.from != w.frontier()) {
    GW_TRY(auto records, testing::verified(log, w, target, end));
    it = made.insert_or_assign(place, Made{w.frontier(), std::move(records)}).first;
  }
  return it->second.records;
}

const tlog::Checkpoint& head(const TestLog& log, std::uint64_t size) {
  static std::map<std::uint64_t, tlog::Checkpoint> made;
  auto it = made.find(size);
  if (it == made.end()) it = made.emplace(size, log.head(size)).first;
  return it->second;
}

// As testing::fill().
Status fill_up(Writer& w, TestLog& log, std::uint64_t size) {
  if (!w.state().target || w.state().target->size < size) {
    GW_CHECK(w.set_target(head(log, size), kFaultsAt, {}));
  }
  if (w.state().position == size) return {};
  GW_TRY(const auto pending, verified_once(log, w, size, size));
  GW_TRY(const auto report, w.commit(pending, testing::all_same));
  if (!report.conflicts.empty()) return untrusted_error("conflicts");
  return {};
}

// The whole life of a small database.
Status live(const std::string& path, TestLog& log) {
  WriterOptions options = testing::writer_options(log, Keep::kRecords);
  options.vfs = FaultVfs::kName;
  {
    GW_TRY(Writer w, Writer::open(path, options));
    GW_CHECK(w.set_target(head(log, 200), kFaultsAt, kUrls));
    GW_CHECK(fill_up(w, log, 200));
    GW_TRY(const auto posts, w.pending_posts(10));
    GW_CHECK(w.post_done(posts.at(0).id));
  }
  GW_TRY(Writer w, Writer::open(path, options));
  GW_CHECK(w.set_target(head(log, log.size()), kFaultsAt, kUrls));
  GW_TRY(const auto first, verified_once(log, w, log.size(), 256));
  GW_CHECK(w.commit(first, testing::all_same));
  GW_CHECK(fill_up(w, log, log.size()));
  GW_CHECK(w.halt({"fork", "why", "where", kFaultsAt}));
  GW_CHECK(w.clear_alarm(kFaultsAt));
  return w.note_checked(kFaultsAt);
}

// What must hold whenever a process died.
void check_sound(const std::string& path, TestLog& log) {
  Writer w = Writer::open(path, testing::writer_options(log)).value();
  if (w.created()) {
    const std::uint64_t n = w.state().position;
    CHECK((n == 0 || n == 200 || n == 256 || n == log.size()));
    CHECK(w.frontier() == log.frontier(n));
    REQUIRE(w.state().target);
    CHECK(n <= w.state().target->size);
    CHECK(w.state().target->note == head(log, w.state().target->size).note());
    Reader r = Reader::open(path).value();
    std::uint64_t versions = 0;
    std::vector<std::string> paths;
    REQUIRE(r.each_module([&](const ModuleRow& m) {
      paths.emplace_back(m.path);
      return true;
    }));
    CHECK(paths.size() == w.state().modules);
    for (const std::string& p : paths) versions += r.versions(p).value().size();
    CHECK(versions + w.state().duplicates + w.state().irregular == n);
    for (std::uint64_t i = 0; i < n; i += 37) REQUIRE(r.record(i).value() == log.record(i));
    CHECK(r.changes_since(0).value().commit == w.state().commit);
    CHECK(w.root_at(n / 256 * 256).value() == log.root(n / 256 * 256));
  }
  // And it goes on: from nothing or from where it was.
  if (w.state().alarm) REQUIRE(w.clear_alarm(kFaultsAt));
  if (w.created() && w.state().target->size == 200) REQUIRE(fill_up(w, log, 200));
  REQUIRE(fill_up(w, log, log.size()));
  CHECK(w.state().duplicates == 1);
  CHECK(w.state().irregular == 1);
  CHECK(w.root_at(256).value() == log.root(256));
}

}  // namespace

TEST_CASE("no failing disk leaves anything but a commit behind") {
  TestLog log = make_log();
  FaultVfs& faults = FaultVfs::instance();
  int calls = 0;
  {
    const TempDir dir;
    faults.disarm();
    REQUIRE(live(dir.file("db"), log));
    calls = faults.calls();
  }
  REQUIRE(calls > 50);
  const bool stay = GENERATE(false, true);
  const int code = GENERATE(SQLITE_FULL, SQLITE_IOERR_WRITE);
  int failed = 0;
  for (int n = 1; n <= calls; ++n) {
    INFO("call " << n << " of " << calls);
    const TempDir dir;
    faults.arm(n, code, stay);
    const Status status = live(dir.file("db"), log);
    if (!status) {
      ++failed;
      // A full disk is not corruption, and nobody lied.
      CHECK((status.error().kind == ErrorKind::kIo ||
             status.error().kind == ErrorKind::kUnavailable));
    }
    faults.disarm();
    check_sound(dir.file("db"), log);
  }
  // Some failures are nobody's business (cutting the log of changes down), most are.
  CHECK(failed > calls / 3);
}

TEST_CASE("a transaction visits each page once, however small the cache") {
  // Modules become known in many small transactions, so that the order of their ids has nothing to
  // do with that of their paths.
  constexpr std::uint64_t kModules = 20'000;
  TestLog log;
  const auto path = [](std::uint64_t i) {
    return "example.com/" + std::to_string(i * 7919 % kModules) + "/module";
  };
  for (std::uint64_t i = 0; i < kModules; ++i) log.add(path(i), "v1.0.0");
  for (std::uint64_t i = 0; i < kModules; ++i) log.add(path(i), "v1.1.0");
  const TempDir dir;
  WriterOptions options = testing::writer_options(log);
  options.vfs = FaultVfs::kName;
  options.cache_kib = 128;
  FaultVfs& faults = FaultVfs::instance();
  faults.disarm();
  Writer w = Writer::open(dir.file("db"), options).value();
  for (std::uint64_t n = 256; n < kModules; n += 256) REQUIRE(fill(w, log, n, kFaultsAt));
  REQUIRE(fill(w, log, kModules, kFaultsAt));
  const auto pages = std::filesystem::file_size(dir.file("db")) / 4096;
  REQUIRE(pages > 10 * options.cache_kib / 4);  // or the cache holds it all
  faults.disarm();                              // counts from here
  REQUIRE(fill(w, log, 2 * kModules, kFaultsAt));
  // Two writes into the log of changes (header and page) and one from there into the file, and some
  // for the inner pages. In any other order it is a write for every module.
  CAPTURE(faults.calls(), pages);
  CHECK(faults.calls() < static_cast<int>(4 * pages));
  Reader r = Reader::open(dir.file("db")).value();
  const auto latest = testing::latest_of_all(r);
  for (std::uint64_t i = 0; i < kModules; i += 97) {
    CHECK(latest.at(path(i)) == "v1.1.0=" + std::to_string(kModules + i));
    CHECK(r.versions(path(i)).value().size() == 2);
  }
}
