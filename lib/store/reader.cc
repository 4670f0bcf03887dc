#include "store/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "os/file.h"
#include "sqlite/sqlite.h"
#include "store/packed_version.h"
#include "store/record_rows.h"
#include "store/schema.h"
#include "store/version_chunk.h"

namespace gw::store {

struct Reader::Impl {
  sqlite::Database db;
  sqlite::Statement data_version;
  sqlite::Statement begin, commit;
  int snapshots = 0;  // nested ones share the outermost transaction
  sqlite::Statement module_id, chunks, by_id, by_path, scan, walk;
};

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(const std::string& path) {
  if (!os::file_exists(path)) {
    return not_found_error(path + ": no database there",
                           fmt::format("gwtool follow-tlog --db {} makes it", path));
  }
  // SQLite would wait for a pipe's writer.
  if (!os::is_regular_file(path)) return usage_error(path + ": not a regular file");
  auto impl = std::make_unique<Impl>();
  const auto run = [&]() -> Status {
    sqlite::Database& db = impl->db;
    GW_TRY(db, sqlite::Database::open(path, sqlite::Database::Mode::kRead));
    GW_TRY(const std::int64_t version, check_schema(db));
    if (version == 0) return not_found_error("no head of a log has been stored yet");
    if (version < kOldestReadable) {
      return usage_error(
          fmt::format("its schema has version {}, this gwtool needs {}", version, kOldestReadable),
          "start gwtool follow-tlog on it: it brings it up to date");
    }
    GW_CHECK(db.exec("PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY"));
    GW_TRY(impl->data_version, db.prepare("PRAGMA data_version"));
    GW_TRY(impl->begin, db.prepare("BEGIN"));
    GW_TRY(impl->commit, db.prepare("COMMIT"));
    GW_TRY(impl->module_id, db.prepare("SELECT id FROM module WHERE path = ?"));
    GW_TRY(impl->chunks, db.prepare("SELECT data FROM version WHERE module = ?"));
    GW_TRY(impl->by_id, db.prepare("SELECT path, latest FROM module WHERE id = ?"));
    GW_TRY(impl->scan, db.prepare("SELECT path, latest FROM module WHERE id BETWEEN ? AND ?"));
    GW_TRY(impl->by_path, db.prepare("SELECT latest FROM module WHERE path = ?"));
    GW_TRY(impl->walk, db.prepare("SELECT path FROM module WHERE path >= ? ORDER BY path"));
    return {};
  };
  if (auto s = run(); !s) return std::move(s).error().in(path);
  return Reader(std::move(impl));
}

Result<Reader::Snapshot> Reader::snapshot() {
  if (impl_->snapshots == 0) GW_CHECK(impl_->begin.run());
  ++impl_->snapshots;
  Snapshot snapshot(this);
  // BEGIN alone fixes nothing: the first read does.
  GW_TRY([[maybe_unused]] const std::int64_t any, impl_->db.integer("SELECT commits FROM log"));
  return snapshot;
}

Reader::Snapshot::~Snapshot() {
  if (reader_ != nullptr && --reader_->impl_->snapshots == 0) {
    (void)reader_->impl_->commit.run();
  }
}

Result<std::uint64_t> Reader::data_version() {
  sqlite::Statement& s = impl_->data_version;
  GW_TRY(const bool row, s.step());
  if (!row) return internal_error("no data_version");
  const std::uint64_t version = s.u64(0);
  s.reset();
  return version;
}

Result<LogState> Reader::state() { return load_state(impl_->db); }

Result<std::vector<HeadTime>> Reader::head_times(std::uint64_t above) {
  GW_TRY(sqlite::Statement s,
         impl_->db.prepare("SELECT size, accepted_at FROM head WHERE size > ? ORDER BY size"));
  s.bind(1, above);
  std::vector<HeadTime> out;
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) return out;
    out.push_back({s.u64(0), from_unix(s.integer(1))});
  }
}

Result<std::vector<VersionRow>> Reader::versions(std::string_view path) {
  std::vector<VersionRow> out;
  sqlite::Statement& find = impl_->module_id;
  GW_TRY(const bool found, find.bind_text(1, path).step());
  if (!found) return out;
  const std::int64_t id = find.integer(0);
  find.reset();
  VersionChunk chunk;
  sqlite::Statement& s = impl_->chunks;
  s.bind(1, id);
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) return out;
    bool good = parse_chunk(s.bytes(0), chunk);
    for (const VersionEntry& entry : chunk.entries) {
      const auto version = unpack_version(entry.packed);
      good = good && version.has_value();
      if (good) out.push_back({*version, entry.record});
    }
    if (!good) {
      s.reset();
      return corrupt_error(fmt::format("the versions of module {} are damaged", quoted(path)));
    }
  }
}

Status Reader::each_module(const std::function<bool(const ModuleRow&)>& f, unsigned shard,
                           unsigned shards) {
  if (shards == 0 || shard >= shards) return internal_error("no such shard of the modules");
  GW_TRY(const std::int64_t max, impl_->db.integer("SELECT coalesce(max(id), 0) FROM module"));
  const std::int64_t size = max / shards;
  const std::int64_t last = shard + 1 == shards ? max : size * (shard + 1);
  sqlite::Statement& s = impl_->scan;
  s.bind(1, shard == 0 ? 0 : size * shard + 1).bind(2, last);
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) return {};
    if (!f({s.bytes(0), s.bytes(1)})) {
      s.reset();
      return {};
    }
  }
}

Result<std::optional<std::string>> Reader::latest(std::string_view path) {
  std::optional<std::string> out;
  sqlite::Statement& s = impl_->by_path;
  GW_TRY(const bool found, s.bind_text(1, path).step());
  if (found) out.emplace(s.bytes(0));
  s.reset();
  return out;
}

Result<std::vector<std::string>> Reader::sample_paths(unsigned count) {
  GW_TRY(const std::int64_t max, impl_->db.integer("SELECT coalesce(max(id), 0) FROM module"));
  std::vector<std::string> out;
  // Rows are few, but their numbers may be any: max * i could be too large.
  const std::int64_t n = std::min<std::int64_t>(count, max);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t id = max / n * i + max % n * i / n + 1;
    GW_TRY(const bool row, impl_->scan.bind(1, id).bind(2, id).step());
    if (row) out.emplace_back(impl_->scan.bytes(0));
    impl_->scan.reset();
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Status Reader::walk_paths(
    std::string_view from,
    const std::function<std::optional<std::string>(std::string_view path)>& f) {
  sqlite::Statement& s = impl_->walk;
  std::string begin(from);  // bound until the reset
  s.bind_text(1, begin);
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) return {};
    auto next = f(s.bytes(0));
    if (next && next->empty()) continue;
    s.reset();
    if (!next) return {};
    begin = *std::move(next);
    s.bind_text(1, begin);
  }
}

Result<Changes> Reader::changes_since(std::uint64_t commit) {
  GW_TRY(const Snapshot keep, snapshot());
  Changes out;
  GW_TRY(const std::int64_t last, impl_->db.integer("SELECT commits FROM log"));
  out.commit = static_cast<std::uint64_t>(last);
  if (out.commit == commit) return out;
  GW_TRY(sqlite::Statement s, impl_->db.prepare("SELECT modules FROM change WHERE number > ?"));
  s.bind(1, commit);
  std::vector<std::uint64_t> ids;
  std::uint64_t rows = 0;
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) break;
    ++rows;
    if (s.is_null(0)) out.reload = true;
    std::string_view bytes = s.bytes(0);
    std::uint64_t id = 0;
    while (!bytes.empty()) {
      const auto step = read_varint(bytes);
      if (!step) return corrupt_error("the changes of a commit are damaged");
      ids.push_back(id += *step);
    }
  }
  // Every commit since must have its row; another database may also have taken this one's place.
  if (out.reload || out.commit < commit || rows != out.commit - commit) {
    out.reload = true;
    return out;
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (const std::uint64_t id : ids) {
    GW_TRY(const bool row, impl_->by_id.bind(1, id).step());
    if (!row) return corrupt_error("a changed module is missing");
    out.modules.push_back({std::string(impl_->by_id.bytes(0)), std::string(impl_->by_id.bytes(1))});
    impl_->by_id.reset();
  }
  return out;
}

Result<std::optional<std::string>> Reader::record(std::uint64_t number) {
  GW_TRY(const Snapshot keep, snapshot());
  GW_TRY(const LogState now, state());
  if (now.keep == Keep::kVersions) {
    return usage_error("the database keeps versions only", "make one with --keep records");
  }
  if (number < now.first_record || number >= now.position) return std::optional<std::string>();
  if (now.keep == Keep::kBuilds) return load_build(impl_->db, number);
  GW_TRY(std::string text, load_record(impl_->db, number));
  return std::optional(std::move(text));
}

}  // namespace gw::store
