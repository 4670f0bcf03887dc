// Rows of a database that somebody else has written: whatever stands in its tables, opening,
// reading and checking it ends, with an error or with what is there, and no number in it decides
// how much memory that takes.
//
// Each line of the input sets a column of the log's row, "log.position i512", or puts a row into
// another table, "module i1 texample.org/a tv1.0.0=0": i number, t text, x hexadecimal, n nothing.
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "follow/status.h"
#include "fuzz/require.h"
#include "module/releases.h"
#include "os/file.h"
#include "store/database_check.h"
#include "store/reader.h"
#include "store/schema.h"
#include "tlog/go_log.h"

namespace fuzz_store_rows {

using namespace gw;
using namespace gw::store;

namespace {

struct Table {
  std::string_view name;
  unsigned columns;
};
constexpr std::array<Table, 11> kTables = {{{"head", 4},
                                            {"module", 3},
                                            {"version", 3},
                                            {"sums", 2},
                                            {"irregular", 2},
                                            {"level1", 2},
                                            {"change", 2},
                                            {"conflict", 5},
                                            {"post", 3},
                                            {"build", 3},
                                            {"unproven", 5}}};
constexpr std::array<std::string_view, 19> kColumns = {
    "name",       "key",           "keep",     "first_record", "start",
    "position",   "frontier",      "tail",     "target",       "reached",
    "checked_at", "modules",       "commits",  "duplicates",   "alarm_kind",
    "alarm_at",   "alarm_message", "identity", "gomod_from"};

// Quiet, unlike a database of ours: a row that does not go in is left out.
class Raw {
 public:
  explicit Raw(const std::string& path) { require(sqlite3_open(path.c_str(), &db_) == SQLITE_OK); }
  ~Raw() { sqlite3_close(db_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  bool exec(const std::string& sql) const {
    return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  void put(const std::string& sql, std::span<const std::string_view> values) const {
    sqlite3_stmt* statement = nullptr;
    require(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
    std::vector<std::string> kept(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) bind(statement, i, values[i], kept[i]);
    sqlite3_step(statement);
    sqlite3_finalize(statement);
  }

 private:
  static void bind(sqlite3_stmt* statement, std::size_t i, std::string_view value,
                   std::string& kept) {
    const int place = static_cast<int>(i) + 1;
    const char kind = value.empty() ? 'n' : value[0];
    if (!value.empty()) value.remove_prefix(1);
    if (kind == 'i') {
      const bool minus = value.starts_with('-');
      const auto n = parse_decimal(value.substr(minus ? 1 : 0)).value_or(0);
      const auto v = static_cast<std::int64_t>(n);
      sqlite3_bind_int64(statement, place, minus ? static_cast<std::int64_t>(0 - n) : v);
    } else if (kind == 't') {
      kept = value;
      sqlite3_bind_text(statement, place, kept.data(), static_cast<int>(kept.size()),
                        SQLITE_STATIC);
    } else if (kind == 'x') {
      kept = decode_hex(value.substr(0, value.size() / 2 * 2)).value_or("");
      sqlite3_bind_blob(statement, place, kept.data(), static_cast<int>(kept.size()),
                        SQLITE_STATIC);
    }
  }
  sqlite3* db_ = nullptr;
};

// An empty database, whose bytes each run begins with.
struct Place {
  std::string directory = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
  std::string file;
  std::string empty;

  Place() {
    directory += "/gw-fuzz-rows-XXXXXX";
    require(::mkdtemp(directory.data()) != nullptr);
    file = directory + "/db";
    {
      const Raw db(file);
      require(
          db.exec(fmt::format("PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA "
                              "application_id = {}; PRAGMA user_version = {}",
                              kApplicationId, schema_version())));
      for (const char* step : schema_migrations()) require(db.exec(step));
      require(db.exec(fmt::format(
          "INSERT INTO log(only, name, key, keep, first_record, start, position, frontier, tail) "
          "VALUES(1, 'sum.golang.org', '{}', 'versions', 0, x'', 0, x'', x'')",
          tlog::kGoLogKey)));
    }
    empty = os::read_file(file, 1 << 20).value();
  }
  ~Place() { std::filesystem::remove_all(directory); }
  void begin() const {
    for (const char* end : {"-wal", "-shm"}) ::unlink((file + end).c_str());
    const os::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    require(fd && write_all(fd.get(), empty) == 0);
  }
};

void fill(const Place& place, std::string_view text) {
  const Raw db(place.file);
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  for (int line = 0; line < 200 && !text.empty(); ++line) {
    std::vector<std::string_view> words;
    std::string_view rest = take_line(text);
    while (!rest.empty() && words.size() < 8) {
      const std::size_t end = rest.find(' ');
      words.push_back(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    if (words.size() < 2) continue;
    for (const Table& table : kTables) {
      if (words[0] != table.name || words.size() != 1 + table.columns) continue;
      std::string marks = "?";
      for (unsigned i = 1; i < table.columns; ++i) marks += ",?";
      db.put(fmt::format("INSERT OR REPLACE INTO \"{}\" VALUES({})", table.name, marks),
             std::span<const std::string_view>(words).subspan(1));
    }
    for (const std::string_view column : kColumns) {
      if (words[0] != fmt::format("log.{}", column)) continue;
      db.put(fmt::format("UPDATE log SET {} = ?", column), {&words[1], 1});
    }
  }
  db.exec("COMMIT");
}

// Everything that is ever read of it, by whom.
void read_all(const std::string& file) {
  auto reader = Reader::open(file);
  if (!reader) return;
  auto state = reader->state();
  if (state) {
    const auto report = follow::judge(*state, from_unix(1'800'000'000), std::chrono::hours(1));
    (void)follow::format_status(report);
    (void)format_json(follow::status_json(report));
  }
  auto heads = reader->head_times();
  if (heads && !heads->empty()) {
    (void)accepted_at(*heads, 5);
  }
  std::vector<std::string> paths;
  (void)reader->each_module([&](const ModuleRow& row) {
    (void)mod::ReleaseSummary::parse(row.latest);
    paths.emplace_back(row.path);
    return paths.size() < 10;
  });
  for (const std::string& path : paths) (void)reader->versions(path);
  (void)reader->changes_since(0);
  for (const std::uint64_t n : {0ULL, 1ULL, 255ULL, 256ULL, 511ULL, ~0ULL}) {
    (void)reader->record(n);
  }
}

}  // namespace

FUZZ_TARGET(store_rows)(const std::uint8_t* data, std::size_t size) {
  static const Place place;
  place.begin();
  fill(place, {reinterpret_cast<const char*>(data), size});
  read_all(place.file);
  const auto found = check_database(place.file);
  require(!found || found->faults.size() <= kMostFaults);
  return 0;
}

}  // namespace fuzz_store_rows
