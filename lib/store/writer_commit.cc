// Writer::commit: one transaction for records, position, frontier and level-1 entries.
#include <fmt/format.h>

#include <algorithm>

#include "store/packed_version.h"
#include "store/writer_impl.h"
#include "tlog/hash.h"

namespace gw::store {
namespace {

// A commit that touches more modules than this makes readers scan again; they would be no faster
// taking them one by one.
constexpr std::size_t kMaxChangedModules = 8192;
constexpr std::uint64_t kChangeWindow = 1000;  // commits

}  // namespace

Result<CommitReport> Writer::commit(const PendingRecords& pending, const RepeatCheck& check,
                                    const KeepGoing& keep_going) {
  Impl& m = *impl_;
  CommitReport report;
  if (pending.empty()) return report;
  if (!m.state.target || pending.first() != m.state.position ||
      pending.end() > m.state.target->size) {
    return internal_error(fmt::format("records {} to {} do not continue the database",
                                      pending.first(), pending.end()));
  }
  const bool complete = pending.end() == m.state.target->size;
  if (complete ? pending.frontier().root() != m.state.target->root : pending.end() % kTile != 0) {
    return internal_error("the records do not lead to the head aimed at");
  }
  const auto run = [&]() -> Status {
    GW_CHECK(m.check_place());
    GW_TRY(sqlite::Transaction tx, sqlite::Transaction::begin(m.db));
    // The lock keeps other writers out, but not on a careless file system.
    GW_TRY(const std::int64_t position, m.db.integer("SELECT position FROM log"));
    if (position != static_cast<std::int64_t>(m.state.position)) {
      return unavailable_error("another process has written to the database");
    }
    GW_CHECK(m.merger->run(pending, keep_going));
    std::vector<RepeatedVersion> repeats = m.merger->repeats();
    report.new_modules = m.merger->new_modules();
    if (m.state.keep == Keep::kBuilds) {
      GW_TRY(repeats, m.store_builds(pending, report));
    }
    GW_TRY(const bool clean, m.pass_conflicts(repeats, check, report));
    if (!clean) return {};  // the transaction rolls back
    report.records = pending.size();
    report.irregular = pending.irregular().size();
    if (report.irregular > 0) report.first_irregular = pending.irregular().front().first;
    GW_CHECK(m.store_irregular(pending));
    if (m.state.keep == Keep::kRecords) GW_CHECK(m.store_sums(pending));
    GW_CHECK(m.store_level1(pending));
    GW_CHECK(m.store_change());
    GW_CHECK(m.store_position(pending, report));
    GW_CHECK(tx.commit());
    return m.reload();
  };
  if (auto s = run(); !s) return std::move(s).error().in(m.path);
  return report;
}

// False: there are conflicts, in the report.
Result<bool> Writer::Impl::pass_conflicts(std::span<const RepeatedVersion> repeats,
                                          const RepeatCheck& check, CommitReport& report) {
  if (repeats.empty()) return true;
  std::vector<RepeatedVersion> sorted(repeats.begin(), repeats.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.record < b.record; });
  GW_TRY(const std::vector<bool> same, check(sorted));
  GW_TRY(sqlite::Statement cleared,
         db.prepare("SELECT 1 FROM conflict WHERE record = ? AND cleared_at IS NOT NULL"));
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (same[i]) {
      ++report.duplicates;
      continue;
    }
    GW_TRY(const bool accepted, cleared.bind(1, sorted[i].record).step());
    cleared.reset();
    if (accepted) {
      ++report.cleared;
    } else {
      report.conflicts.push_back(sorted[i]);
    }
  }
  return report.conflicts.empty();
}

// Stores what has a new key; the others are what it returns.
Result<std::vector<RepeatedVersion>> Writer::Impl::store_builds(const PendingRecords& pending,
                                                                CommitReport& report) {
  GW_TRY(sqlite::Statement insert,
         db.prepare("INSERT INTO build(record, key, text) VALUES(?, ?, ?) "
                    "ON CONFLICT(key) DO NOTHING"));
  GW_TRY(sqlite::Statement find, db.prepare("SELECT record FROM build WHERE key = ?"));
  std::vector<RepeatedVersion> repeats;
  for (const PendingRecords::Build& b : pending.builds()) {
    GW_CHECK(insert.bind(1, b.record).bind_text(2, b.key).bind_text(3, b.text).run());
    if (db.changes() > 0) {
      ++report.new_modules;
      continue;
    }
    GW_TRY(const bool found, find.bind_text(1, b.key).step());
    if (!found) return corrupt_error("a build's key is neither new nor there");
    const std::size_t at = b.key.find('@');
    repeats.push_back({b.key.substr(0, at), b.key.substr(at + 1), find.u64(0), b.record});
    find.reset();
  }
  return repeats;
}

Status Writer::Impl::store_irregular(const PendingRecords& pending) {
  GW_TRY(sqlite::Statement s, db.prepare("INSERT INTO irregular(record, text) VALUES(?, ?)"));
  for (const auto& [record, text] : pending.irregular()) {
    GW_CHECK(s.bind(1, record).bind_blob(2, text).run());
  }
  return {};
}

Status Writer::Impl::store_sums(const PendingRecords& pending) {
  GW_TRY(sqlite::Statement insert,
         db.prepare("INSERT INTO sums(tile, data) VALUES(?1, ?2) ON "
                    "CONFLICT(tile) DO UPDATE SET data = CAST(data || ?2 AS BLOB)"));
  constexpr std::size_t kSums = 2 * sizeof(Hash);
  std::string row;
  std::string_view sums = pending.sums();
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const std::uint32_t module = pending.module_of(i);
    const std::uint64_t record = pending.first() + i;
    append_varint(row, module == PendingRecords::kNoModule ? 0 : merger->ids()[module]);
    if (module != PendingRecords::kNoModule) {
      row.append(pending.packed(i)).append(sums.substr(0, kSums));
      sums.remove_prefix(kSums);
    }
    if (record % kTile == kTile - 1 || i + 1 == pending.size()) {
      GW_CHECK(insert.bind(1, record / kTile).bind_blob(2, row).run());
      row.clear();
    }
  }
  return {};
}

Status Writer::Impl::store_level1(const PendingRecords& pending) {
  GW_TRY(sqlite::Statement s,
         db.prepare("INSERT INTO level1(n, hashes) VALUES(?1, ?2) ON CONFLICT(n) DO "
                    "UPDATE SET hashes = CAST(hashes || ?2 AS BLOB)"));
  std::uint64_t index = pending.first() / kTile;
  std::span<const Hash> hashes = pending.level1();
  while (!hashes.empty()) {
    const std::size_t n = std::min<std::size_t>(hashes.size(), kTile - index % kTile);
    const std::string bytes = tlog::format_hashes(hashes.first(n));
    GW_CHECK(s.bind(1, index / kTile).bind_blob(2, bytes).run());
    hashes = hashes.subspan(n);
    index += n;
  }
  return {};
}

Status Writer::Impl::store_change() {
  std::vector<std::uint64_t> ids = merger->ids();
  std::sort(ids.begin(), ids.end());
  std::string bytes;
  std::uint64_t last = 0;
  for (const std::uint64_t id : ids) {
    append_varint(bytes, id - last);
    last = id;
  }
  const std::uint64_t number = state.commit + 1;
  GW_TRY(sqlite::Statement insert, db.prepare("INSERT INTO change(number, modules) VALUES(?, ?)"));
  insert.bind(1, number);
  if (ids.size() <= kMaxChangedModules) {
    insert.bind_blob(2, bytes);
  } else {
    insert.bind_null(2);
  }
  GW_CHECK(insert.run());
  GW_TRY(sqlite::Statement prune, db.prepare("DELETE FROM change WHERE number <= ?"));
  return prune.bind(1, number > kChangeWindow ? number - kChangeWindow : 0).run();
}

Status Writer::Impl::store_position(const PendingRecords& pending, const CommitReport& report) {
  GW_TRY(sqlite::Statement s,
         db.prepare("UPDATE log SET position = ?1, frontier = ?2, tail = ?3, reached = CASE WHEN "
                    "?1 = target THEN target ELSE reached END, modules = modules + ?4, "
                    "duplicates = duplicates + ?5, conflicts = conflicts + ?6, irregular = "
                    "irregular + ?7, commits = commits + 1"));
  const std::string edge = pending.frontier().hashes_text();
  const std::string last = tlog::format_hashes(pending.tail());
  s.bind(1, pending.end()).bind_blob(2, edge).bind_blob(3, last);
  s.bind(4, report.new_modules).bind(5, report.duplicates).bind(6, report.cleared);
  return s.bind(7, report.irregular).run();
}

}  // namespace gw::store
