// What reading the store costs, beside SQLite alone doing the same statements in the same run.
//
//   bench_store [MODULES] [DIRECTORY]
//
// The database is made by the real writer from verified records, in ten commits of 100,000 with
// the default million MODULES: one record a module, paths and versions as in
// tests/support/synthetic_log.h (paths of 20 to 60 bytes in no order, three fifths of the modules
// with a release), and then a last commit with 1,000 records more for modules drawn uniformly, and
// a module of 10,000 versions. It lies in DIRECTORY (default: the system's for temporary files) and
// is removed in the end. Lookups take modules drawn uniformly, which is the worst case for the
// page cache; the file itself is in the system's.
//
// Of each thing the best of five rounds: CPU of all threads and wall time. "plain" runs the same
// SQL through sqlite3_step without anything of ours.
#include <sqlite3.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "base/crypto.h"
#include "dns/types.h"
#include "dnsd/module_source.h"
#include "store/reader.h"
#include "support/store/fill.h"
#include "support/synthetic_log.h"
#include "tlog/record.h"

namespace {

using namespace gw;

constexpr std::size_t kCommits = 10;
constexpr std::size_t kChanged = 1000;
constexpr std::size_t kBigModule = 10'000;
constexpr std::size_t kLookups = 100'000;
constexpr const char* kBigPath = "big.example.com/many/versions";

template <class T>
T must(Result<T> r, const char* what) {
  if (!r) {
    std::fprintf(stderr, "%s: %s\n", what, r.error().message.c_str());
    std::exit(1);
  }
  return *std::move(r);
}
void must(const Status& s, const char* what) {
  if (s) return;
  std::fprintf(stderr, "%s: %s\n", what, s.error().message.c_str());
  std::exit(1);
}

struct Cost {
  double cpu = 1e9, wall = 1e9;  // seconds
};

Cost measure(const std::function<void()>& f) {
  const auto cpu_now = [] {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  Cost best;
  for (int round = 0; round < 5; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    const double cpu = cpu_now();
    f();
    best.cpu = std::min(best.cpu, cpu_now() - cpu);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best.wall = std::min(best.wall, took.count());
  }
  return best;
}

void print(const char* what, std::size_t units, const Cost& c, const Cost* plain = nullptr) {
  const auto n = static_cast<double>(units);
  std::printf("%-44s %9.1f ns of CPU each  %9.4f s of CPU  %9.4f s", what, c.cpu / n * 1e9, c.cpu,
              c.wall);
  if (plain != nullptr) std::printf("  %5.2f times plain", c.cpu / plain->cpu);
  std::printf("\n");
  std::fflush(stdout);
}

// The records as the real writer stores them; returns the path of each module.
std::vector<std::string> make_database(const std::string& db, std::size_t modules) {
  testing::TestLog log;
  testing::SyntheticLog synthetic(7, 1);
  std::vector<std::string> paths;
  const WallTime at = from_unix(1'700'000'000);
  auto w = must(store::Writer::open(db, testing::writer_options(log)), "opening");
  for (std::size_t c = 1; c <= kCommits; ++c) {
    while (paths.size() < modules * c / kCommits) {
      const std::string text = synthetic.next();
      paths.emplace_back(tlog::parse_go_record(text)->module);
      log.append(text);
    }
    must(testing::fill(w, log, log.size(), at), "filling");
  }
  for (std::size_t i = 0; i < kBigModule; ++i) log.add(kBigPath, "v1.0." + std::to_string(i));
  must(testing::fill(w, log, log.size(), at), "filling");
  for (std::size_t i = 0; i < kChanged; ++i) {
    log.add(paths[std::rand() % paths.size()], "v0.99." + std::to_string(i));
  }
  must(testing::fill(w, log, log.size(), at), "filling");
  return paths;
}

// SQLite without us.
class Plain {
 public:
  explicit Plain(const std::string& db) {
    if (sqlite3_open_v2(db.c_str(), &db_, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr) !=
        SQLITE_OK) {
      std::exit(1);
    }
  }
  ~Plain() { sqlite3_close_v2(db_); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* s = nullptr;
    if (sqlite3_prepare_v2(db_, sql, -1, &s, nullptr) != SQLITE_OK) std::exit(1);
    return s;
  }

 private:
  sqlite3* db_ = nullptr;
};

// All rows, both columns; the bytes are counted so that nothing is left out.
std::size_t drain(sqlite3_stmt* s) {
  std::size_t bytes = 0;
  while (sqlite3_step(s) == SQLITE_ROW) {
    for (int i = 0; i < sqlite3_column_count(s); ++i) {
      sqlite3_column_blob(s, i);
      bytes += static_cast<std::size_t>(sqlite3_column_bytes(s, i));
    }
  }
  sqlite3_reset(s);
  return bytes;
}

std::size_t scan(const std::string& db, unsigned shard, unsigned shards) {
  auto reader = must(store::Reader::open(db), "opening");
  std::size_t bytes = 0;
  must(reader.each_module(
           [&](const store::ModuleRow& row) {
             bytes += row.path.size() + row.latest.size();
             return true;
           },
           shard, shards),
       "scanning");
  return bytes;
}

void bench_scans(const std::string& db, std::size_t modules) {
  std::size_t expected = 0;
  const Cost plain = measure([&] {
    Plain p(db);
    sqlite3_stmt* s = p.prepare("SELECT path, latest FROM module");
    expected = drain(s);
    sqlite3_finalize(s);
  });
  print("scan of all modules, plain", modules, plain);
  const Cost one = measure([&] {
    if (scan(db, 0, 1) != expected) std::exit(1);
  });
  print("Reader::each_module", modules, one, &plain);
  const Cost two = measure([&] {
    std::size_t other = 0;
    std::thread t([&] { other = scan(db, 1, 2); });
    const std::size_t mine = scan(db, 0, 2);
    t.join();
    if (mine + other != expected) std::exit(1);
  });
  print("Reader::each_module, two threads", modules, two, &plain);
  const Logger quiet(LogLevel::kError, [](std::string_view) {});
  const Cost load = measure([&] {
    dnsd::Epochs epochs;
    dnsd::ModuleIndex index(epochs);
    dnsd::ModuleLookup lookup(epochs);
    dnsd::ModuleSource source({.db = db, .zone_size = 15, .load_at_once = ~std::uint64_t{0}}, index,
                              lookup, quiet);
    must(source.start(), "loading");
    if (!source.content().ready || index.stats().names < modules) std::exit(1);
  });
  print("serve-dns loads its names, two threads", modules, load, &plain);
}

void bench_versions(const std::string& db, const std::vector<std::string>& paths) {
  auto reader = must(store::Reader::open(db), "opening");
  const Cost few = measure([&] {
    for (std::size_t i = 0; i < kLookups; ++i) {
      if (must(reader.versions(paths[i * 7919 % paths.size()]), "versions").empty()) std::exit(1);
    }
  });
  print("Reader::versions of a module with one", kLookups, few);
  const Cost many = measure([&] {
    if (must(reader.versions(kBigPath), "versions").size() != kBigModule) std::exit(1);
  });
  print("Reader::versions of one with 10000", kBigModule, many);
}

void bench_changes(const std::string& db) {
  auto reader = must(store::Reader::open(db), "opening");
  const std::uint64_t last = must(reader.state(), "state").commit;
  const Cost poll = measure([&] {
    for (std::size_t i = 0; i < kLookups; ++i) (void)must(reader.data_version(), "polling");
  });
  print("Reader::data_version", kLookups, poll);
  std::vector<store::Module> changed;
  const Cost ours =
      measure([&] { changed = must(reader.changes_since(last - 1), "changes").modules; });
  Plain p(db);
  std::vector<std::int64_t> ids;
  sqlite3_stmt* find = p.prepare("SELECT id FROM module WHERE path = ?");
  for (const store::Module& m : changed) {
    sqlite3_bind_text(find, 1, m.path.data(), static_cast<int>(m.path.size()), SQLITE_STATIC);
    if (sqlite3_step(find) == SQLITE_ROW) ids.push_back(sqlite3_column_int64(find, 0));
    sqlite3_reset(find);
  }
  sqlite3_finalize(find);
  sqlite3_stmt* s = p.prepare("SELECT path, latest FROM module WHERE id = ?");
  const Cost plain = measure([&] {
    for (const std::int64_t id : ids) {
      sqlite3_bind_int64(s, 1, id);
      drain(s);
    }
  });
  sqlite3_finalize(s);
  print("changed modules by id, plain", changed.size(), plain);
  print("Reader::changes_since, one commit", changed.size(), ours, &plain);
}

}  // namespace

int main(int argc, char** argv) {
  if (!init_crypto()) return 1;
  const std::size_t modules = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::filesystem::path base = argc > 2 ? argv[2] : std::filesystem::temp_directory_path();
  std::string dir = (base / "gw-bench-store-XXXXXX").string();
  if (modules < kCommits || ::mkdtemp(dir.data()) == nullptr) return 2;
  const std::string db = dir + "/db";
  const std::vector<std::string> paths = make_database(db, modules);
  std::printf(
      "%zu modules, %.1f bytes of database each\n", paths.size(),
      static_cast<double>(std::filesystem::file_size(db)) / static_cast<double>(paths.size()));
  bench_scans(db, paths.size() + 1);
  bench_versions(db, paths);
  bench_changes(db);
  std::filesystem::remove_all(dir);
  return 0;
}
