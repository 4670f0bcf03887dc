#include "store/module_merger.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "base/bytes.h"
#include "module/goversion.h"
#include "module/releases.h"
#include "store/packed_version.h"

namespace gw::store {
namespace {

// What is asked for ahead: what points to the bytes, and then the bytes.
constexpr std::size_t kFarAhead = 16;
constexpr std::size_t kNearAhead = 8;
// The index is walked where at least one of so many of its paths is in the transaction: a step
// costs an eighth of a search.
constexpr std::uint64_t kWalkedModules = 8;
constexpr unsigned kMostSteps = 32;
constexpr std::size_t kVisitsATick = 4096;

std::uint64_t big_endian_prefix(std::string_view text) {
  std::uint64_t word = 0;
  text.copy(reinterpret_cast<char*>(&word), sizeof(word));
  return __builtin_bswap64(word);
}

template <class Summary>
Result<std::optional<std::string>> add_versions(std::string_view latest,
                                                const std::vector<VersionEntry>& added) {
  Summary summary;
  if (!latest.empty()) {
    GW_TRY(summary, Summary::parse(latest));
  }
  bool changed = false;
  for (const VersionEntry& entry : added) {
    if (packed_is_pseudo(entry.packed)) continue;
    const auto version = unpack_version(entry.packed);
    if (!version) return internal_error("a packed version is malformed");
    if constexpr (std::is_same_v<Summary, mod::ReleaseSummary>) {
      changed |= summary.add(*version, entry.record, entry.no_gomod);
    } else {
      changed |= summary.add(*version, entry.record);
    }
  }
  if (!changed) return std::optional<std::string>();
  return std::optional<std::string>(summary.format());
}

}  // namespace

Result<ModuleMerger> ModuleMerger::prepare(sqlite::Database& db) {
  ModuleMerger m;
  GW_TRY(m.find_module_, db.prepare("SELECT id FROM module WHERE path = ?"));
  GW_TRY(m.walk_modules_, db.prepare("SELECT path, id FROM module WHERE path >= ? ORDER BY path"));
  GW_TRY(m.load_latest_, db.prepare("SELECT latest FROM module WHERE id = ?"));
  GW_TRY(m.insert_module_, db.prepare("INSERT INTO module(id, path, latest) VALUES(?, ?, ?)"));
  GW_TRY(m.update_latest_, db.prepare("UPDATE module SET latest = ? WHERE id = ?"));
  GW_TRY(m.find_chunk_, db.prepare("SELECT first, data FROM version WHERE module = ? AND "
                                   "first <= ? ORDER BY first DESC LIMIT 1"));
  GW_TRY(m.insert_chunk_, db.prepare("INSERT INTO version(module, first, data) VALUES(?, ?, ?)"));
  GW_TRY(m.update_chunk_, db.prepare("UPDATE version SET data = ? WHERE module = ? AND first = ?"));
  GW_TRY(m.max_id_of_, db.prepare("SELECT coalesce(max(id), 0) FROM module"));
  return m;
}

void ModuleMerger::sort_modules(const PendingRecords& pending) {
  order_.clear();
  order_.reserve(pending.modules());
  for (std::size_t i = 0; i < pending.modules(); ++i) {
    std::string_view rest = pending.path(i);
    Order& o = order_.emplace_back();
    for (std::uint64_t& word : o.start) {
      word = big_endian_prefix(rest);
      rest.remove_prefix(std::min(rest.size(), sizeof(word)));
    }
    o.module = static_cast<std::uint32_t>(i);
  }
  std::sort(order_.begin(), order_.end(), [&](const Order& a, const Order& b) {
    if (a.start != b.start) return a.start < b.start;
    return pending.path(a.module) < pending.path(b.module);
  });
}

Result<std::uint64_t> ModuleMerger::search_id(std::string_view path) {
  std::uint64_t id = 0;
  GW_TRY(const bool known, find_module_.bind_text(1, path).step());
  if (known) id = find_module_.u64(0);
  find_module_.reset();
  return id;
}

// From where the walk is, row by row; a search goes on for it where that takes too many.
Result<std::uint64_t> ModuleMerger::walk_to_id(std::string_view path) {
  for (unsigned steps = 0; walking_ && steps < kMostSteps; ++steps) {
    const int order = walk_modules_.bytes(0).compare(path);
    if (order >= 0) return order == 0 ? walk_modules_.u64(1) : 0;
    GW_TRY(walking_, walk_modules_.step());
    if (!walking_) return std::uint64_t{0};  // behind the last one
  }
  walk_modules_.reset();
  GW_TRY(walking_, walk_modules_.bind_text(1, path).step());
  return walking_ && walk_modules_.bytes(0) == path ? walk_modules_.u64(1) : 0;
}

Status ModuleMerger::find_ids(const PendingRecords& pending, const KeepGoing& keep_going) {
  const bool walk = max_id_ / kWalkedModules < order_.size();
  walking_ = false;
  Status status;
  for (std::size_t i = 0; i < order_.size() && status; ++i) {
    if (i + kFarAhead < order_.size()) pending.prefetch_module(order_[i + kFarAhead].module);
    if (i + kNearAhead < order_.size()) pending.prefetch_path(order_[i + kNearAhead].module);
    const std::uint32_t module = order_[i].module;
    const std::string_view path = pending.path(module);
    const auto id = walk ? walk_to_id(path) : search_id(path);
    if (!id) {
      status = id.error();
    } else if (*id > max_id_) {
      status = corrupt_error(fmt::format("module {} is in its index only", quoted(path)));
    } else if (i % kVisitsATick == 0 && keep_going && !keep_going()) {
      status = unavailable_error("interrupted");
    } else {
      ids_[module] = *id;
    }
  }
  walk_modules_.reset();
  return status;
}

// New modules get the ids behind the last one, in the order of their paths.
void ModuleMerger::order_visits() {
  visits_.clear();
  visits_.reserve(order_.size());
  for (const Order& o : order_) {
    if (ids_[o.module] != 0) visits_.push_back({ids_[o.module], o.module});
  }
  std::sort(visits_.begin(), visits_.end(),
            [](const Visit& a, const Visit& b) { return a.id < b.id; });
  for (const Order& o : order_) {
    if (ids_[o.module] != 0) continue;
    ids_[o.module] = max_id_ + ++new_modules_;
    visits_.push_back({ids_[o.module], o.module});
  }
}

void ModuleMerger::group_records(const PendingRecords& pending) {
  next_.resize(pending.modules());
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < visits_.size(); ++i) {
    if (i + kNearAhead < visits_.size()) pending.prefetch_module(visits_[i + kNearAhead].module);
    next_[visits_[i].module] = at;
    at += pending.records_of(visits_[i].module);
  }
  grouped_.resize(at);
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const std::uint32_t module = pending.module_of(i);
    if (module == PendingRecords::kNoModule) continue;
    grouped_[next_[module]++] = static_cast<std::uint32_t>(i);
  }
  loaded_ = 0;
}

// Those of grouped_ from where the last call ended.
void ModuleMerger::load_added(const PendingRecords& pending, std::size_t end) {
  added_.clear();
  for (; loaded_ < end; ++loaded_) {
    const std::size_t far = loaded_ + kFarAhead;
    if (far < grouped_.size()) pending.prefetch_record(grouped_[far]);
    const std::size_t near = loaded_ + kNearAhead;
    if (near < grouped_.size()) pending.prefetch_packed(grouped_[near]);
    const std::uint32_t i = grouped_[loaded_];
    added_.push_back({pending.packed(i), pending.first() + i, pending.no_gomod(i)});
  }
  // The lowest record of a version first; they come in ascending order.
  const auto less = [](const VersionEntry& a, const VersionEntry& b) {
    const int order = a.packed.compare(b.packed);
    return order != 0 ? order < 0 : a.record < b.record;
  };
  if (!std::is_sorted(added_.begin(), added_.end(), less)) {
    std::sort(added_.begin(), added_.end(), less);
  }
}

Status ModuleMerger::run(const PendingRecords& pending, const KeepGoing& keep_going) {
  repeats_.clear();
  new_modules_ = 0;
  ids_.assign(pending.modules(), 0);
  GW_TRY(const bool row, max_id_of_.step());
  max_id_ = row ? max_id_of_.u64(0) : 0;
  max_id_of_.reset();
  sort_modules(pending);
  GW_CHECK(find_ids(pending, keep_going));
  order_visits();
  group_records(pending);
  for (std::size_t i = 0; i < visits_.size(); ++i) {
    if (i % kVisitsATick == 0 && keep_going && !keep_going()) {
      return unavailable_error("interrupted");
    }
    if (i + kFarAhead < visits_.size()) pending.prefetch_module(visits_[i + kFarAhead].module);
    if (i + kNearAhead < visits_.size()) pending.prefetch_path(visits_[i + kNearAhead].module);
    const Visit& visit = visits_[i];
    load_added(pending, next_[visit.module]);
    const std::string_view path = pending.path(visit.module);
    GW_CHECK(visit.id > max_id_ ? insert_module(visit.id, path) : extend_module(visit.id, path));
  }
  return {};
}

void ModuleMerger::release_memory() {
  order_ = {};
  visits_ = {};
  next_ = {};
  grouped_ = {};
  repeats_ = {};
  ids_ = {};
}

Result<std::optional<std::string>> ModuleMerger::summarize(std::string_view path,
                                                           std::string_view latest) {
  if (path == mod::kToolchainModule) return add_versions<mod::ToolchainSummary>(latest, added_);
  return add_versions<mod::ReleaseSummary>(latest, added_);
}

// A new module's rows go to the ends of the tables module and version.
Status ModuleMerger::insert_module(std::uint64_t id, std::string_view path) {
  GW_TRY(const auto latest, summarize(path, {}));
  insert_module_.bind(1, id).bind_text(2, path);
  GW_CHECK(insert_module_.bind_text(3, latest ? std::string_view(*latest) : "").run());
  found_.clear();
  merge_entries({}, added_.data(), added_.size(), merged_, found_);
  const std::size_t rows = format_chunks({}, {}, merged_, rows_);
  for (std::size_t i = 0; i < rows; ++i) GW_CHECK(insert_chunk(id, rows_[i]));
  return note_repeats(path);
}

Status ModuleMerger::extend_module(std::uint64_t id, std::string_view path) {
  const bool releases = std::any_of(added_.begin(), added_.end(), [](const VersionEntry& e) {
    return !packed_is_pseudo(e.packed);
  });
  if (releases) {
    GW_TRY(const bool row, load_latest_.bind(1, id).step());
    if (!row) return corrupt_error(fmt::format("module {} is in its index only", quoted(path)));
    auto latest = summarize(path, load_latest_.bytes(0));
    load_latest_.reset();
    if (!latest) return std::move(latest).error().in("module " + quoted(path));
    if (*latest) GW_CHECK(update_latest_.bind_text(1, **latest).bind(2, id).run());
  }
  found_.clear();
  for (std::size_t done = 0; done < added_.size();) GW_CHECK(extend_chunk(id, path, done));
  return note_repeats(path);
}

Status ModuleMerger::insert_chunk(std::uint64_t id, const ChunkRow& row) {
  insert_chunk_.bind(1, id).bind_blob(2, row.first).bind_blob(3, row.bytes);
  return insert_chunk_.run();
}

Status ModuleMerger::note_repeats(std::string_view path) {
  for (const Repeat& r : found_) {
    const auto version = unpack_version(r.packed);
    if (!version) return internal_error("a packed version is malformed");
    repeats_.push_back({std::string(path), *version, r.first, r.record});
  }
  return {};
}

Status ModuleMerger::extend_chunk(std::uint64_t id, std::string_view path, std::size_t& done) {
  GW_TRY(const bool row, find_chunk_.bind(1, id).bind_blob(2, added_[done].packed).step());
  if (!row) return corrupt_error(fmt::format("module {} has no versions", quoted(path)));
  // SQLite's bytes go away with the next write; everything below points into this copy.
  chunk_key_ = find_chunk_.bytes(0);
  chunk_bytes_ = find_chunk_.bytes(1);
  find_chunk_.reset();
  if (!parse_chunk(chunk_bytes_, chunk_)) {
    return corrupt_error(fmt::format("the versions of module {} are damaged", quoted(path)));
  }
  std::size_t end = done + 1;
  while (end < added_.size() && (chunk_.upper.empty() || added_[end].packed < chunk_.upper)) ++end;
  merge_entries(chunk_.entries, &added_[done], end - done, merged_, found_);
  done = end;
  if (merged_.size() == chunk_.entries.size()) return {};

  const std::size_t rows = format_chunks(chunk_key_, chunk_.upper, merged_, rows_);
  GW_CHECK(update_chunk_.bind_blob(1, rows_[0].bytes).bind(2, id).bind_blob(3, chunk_key_).run());
  for (std::size_t i = 1; i < rows; ++i) GW_CHECK(insert_chunk(id, rows_[i]));
  return {};
}

}  // namespace gw::store
