#include "buildd/ledger.h"

#include <fmt/format.h>

#include "buildd/ledger_statements.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

Result<Hash> column_hash(const sqlite::Statement& s, int column) {
  const std::string_view bytes = s.bytes(column);
  if (bytes.size() != Hash().size()) return corrupt_error("a hash of another length");
  return hash_from_bytes(bytes);
}

// Resets the statement on every way out.
class Used {
 public:
  explicit Used(sqlite::Statement& s) : statement_(s) {}
  ~Used() { statement_.reset(); }
  Used(const Used&) = delete;
  Used& operator=(const Used&) = delete;
  sqlite::Statement* operator->() { return &statement_; }
  sqlite::Statement& operator*() { return statement_; }

 private:
  sqlite::Statement& statement_;
};

}  // namespace

Ledger::Ledger() : writer_(std::make_unique<Writer>()), reader_(std::make_unique<Reader>()) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path, const std::string& vfs) {
  std::unique_ptr<Ledger> out(new Ledger());
  auto opened = out->open_writer(path, vfs);
  if (opened) opened = out->open_reader(path, vfs);
  if (opened) return out;
  Error error = std::move(opened).error();
  if (error.hint.find(sqlite::kDamagedHint) != std::string::npos) {
    error.hint =
        "put a copy in its place: an empty one would be another history under the same key";
  }
  return error;
}

Status Ledger::open_writer(const std::string& path, const std::string& vfs) {
  const MutexLock lock(write_mutex_);
  return writer_->open(path, vfs);
}

Status Ledger::open_reader(const std::string& path, const std::string& vfs) {
  const MutexLock lock(read_mutex_);
  return reader_->open(path, vfs);
}

// ---- the log ----

Status Ledger::append(const tlog::LogBatch& batch) {
  const MutexLock lock(write_mutex_);
  Writer& w = *writer_;
  GW_TRY(auto transaction, sqlite::Transaction::begin(w.db));
  {
    const Used count(w.count);
    GW_TRY([[maybe_unused]] const bool row, w.count.step());
    if (w.count.u64(0) != batch.first) return corrupt_error("the ledger has another size");
  }
  std::uint64_t number = batch.first;
  for (const tlog::LogEntry* entry : batch.entries) {
    const auto* result = dynamic_cast<const BuildResult*>(entry->payload.get());
    const auto record = tlog::parse_build_record(entry->record);
    if (result == nullptr || !record) return internal_error("a record without a build's result");
    w.record.bind(1, number)
        .bind_text(2, entry->key)
        .bind_text(3, entry->record)
        .bind_text(4, record->target.module)
        .bind_blob(5, as_bytes(result->sha256))
        .bind(6, result->packed_size)
        .bind_blob(7, as_bytes(result->packed_sha256))
        .bind(8, to_unix(result->made_at))
        .bind_blob(9, result->log);
    GW_CHECK(w.record.run());
    ++number;
    w.forget_failure.bind_text(1, entry->key);
    GW_CHECK(w.forget_failure.run());
  }
  for (const tlog::StoredHash& h : batch.hashes) {
    w.hash.bind(1, std::int64_t{h.id.level}).bind(2, h.id.index).bind_blob(3, as_bytes(h.hash));
    GW_CHECK(w.hash.run());
  }
  return transaction.commit();
}

Result<std::uint64_t> Ledger::size() {
  const MutexLock lock(read_mutex_);
  Used s(reader_->size);
  GW_TRY([[maybe_unused]] const bool row, s->step());
  return s->u64(0);
}

Result<std::vector<Hash>> Ledger::read_hashes(unsigned level, std::uint64_t first,
                                              std::uint32_t count) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->hashes);
  s->bind(1, std::int64_t{level}).bind(2, first).bind(3, first + count);
  std::vector<Hash> out;
  out.reserve(count);
  while (true) {
    GW_TRY(const bool row, s->step());
    if (!row) break;
    GW_TRY(const Hash hash, column_hash(*s, 0));
    out.push_back(hash);
  }
  if (out.size() != count) return corrupt_error("hashes are missing in the ledger");
  return out;
}

Result<std::vector<std::string>> Ledger::read_records(std::uint64_t first, std::uint32_t count) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->records);
  s->bind(1, first).bind(2, first + count);
  std::vector<std::string> out;
  out.reserve(count);
  while (true) {
    GW_TRY(const bool row, s->step());
    if (!row) break;
    out.emplace_back(s->bytes(0));
  }
  if (out.size() != count) return corrupt_error("records are missing in the ledger");
  return out;
}

Result<std::optional<std::uint64_t>> Ledger::find(std::string_view key) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->find);
  s->bind_text(1, key);
  GW_TRY(const bool row, s->step());
  if (!row) return std::optional<std::uint64_t>();
  return std::optional(s->u64(0));
}

// ---- builds ----

Result<std::vector<Built>> Ledger::read_built(sqlite::Statement& statement) {
  std::vector<Built> out;
  while (true) {
    GW_TRY(const bool row, statement.step());
    if (!row) return out;
    Built b;
    b.number = statement.u64(0);
    b.key = statement.bytes(1);
    b.record = statement.bytes(2);
    b.module = statement.bytes(3);
    GW_TRY(b.sha256, column_hash(statement, 4));
    b.packed_size = statement.u64(5);
    GW_TRY(b.packed_sha256, column_hash(statement, 6));
    b.made_at = from_unix(statement.integer(7));
    out.push_back(std::move(b));
  }
}

Result<std::optional<Built>> Ledger::find_built(std::string_view key) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->built);
  s->bind_text(1, key);
  GW_TRY(auto found, read_built(*s));
  if (found.empty()) return std::optional<Built>();
  return std::optional(std::move(found[0]));
}

Result<std::string> Ledger::build_log(std::uint64_t number) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->log);
  s->bind(1, number);
  GW_TRY(const bool row, s->step());
  if (!row) return not_found_error(fmt::format("no record {}", number));
  return std::string(s->bytes(0));
}

Result<std::vector<Built>> Ledger::built_from(std::uint64_t first, std::uint32_t count) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->range);
  s->bind(1, first).bind(2, std::int64_t{count});
  return read_built(*s);
}

Result<std::vector<Built>> Ledger::recent(std::uint32_t count) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->recent);
  s->bind(1, std::int64_t{count});
  return read_built(*s);
}

Result<std::vector<Built>> Ledger::of_module(std::string_view module, std::uint32_t count) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->of_module);
  s->bind_text(1, module).bind(2, std::int64_t{count});
  return read_built(*s);
}

// Keys of a version are next to each other.
Result<std::vector<Built>> Ledger::of_version(std::string_view module, std::string_view version,
                                              std::uint32_t count) {
  constexpr char kBehindSlash = '/' + 1;
  const std::string first = fmt::format("{}@{}/", module, version);
  const std::string end = fmt::format("{}@{}{}", module, version, kBehindSlash);
  const MutexLock lock(read_mutex_);
  Used s(reader_->of_version);
  s->bind_text(1, first).bind_text(2, end).bind(3, std::int64_t{count});
  return read_built(*s);
}

// ---- failures ----

Result<std::optional<Failure>> Ledger::find_failure(std::string_view key, WallTime now) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->failure);
  s->bind_text(1, key).bind(2, to_unix(now));
  GW_TRY(const bool row, s->step());
  if (!row) return std::optional<Failure>();
  return std::optional(Failure{std::string(s->bytes(0)), std::string(s->bytes(1)),
                               std::string(s->bytes(2)), std::string(s->bytes(5)),
                               from_unix(s->integer(3)), from_unix(s->integer(4))});
}

Status Ledger::save_failure(std::string_view key, const Failure& f) {
  const MutexLock lock(write_mutex_);
  writer_->save_failure.bind_text(1, key)
      .bind_text(2, f.reason)
      .bind_text(3, f.message)
      .bind_text(4, f.hint)
      .bind(5, to_unix(f.failed_at))
      .bind(6, to_unix(f.expires_at))
      .bind_blob(7, f.log);
  return writer_->save_failure.run();
}

Result<bool> Ledger::forget_failure(std::string_view key) {
  const MutexLock lock(write_mutex_);
  writer_->forget_failure.bind_text(1, key);
  GW_CHECK(writer_->forget_failure.run());
  return writer_->db.changes() > 0;
}

Result<std::vector<FailedKey>> Ledger::failures(WallTime now, std::uint32_t count) {
  const MutexLock lock(read_mutex_);
  Used s(reader_->failures);
  s->bind(1, to_unix(now)).bind(2, std::int64_t{count});
  std::vector<FailedKey> out;
  while (true) {
    GW_TRY(const bool row, s->step());
    if (!row) return out;
    out.push_back({std::string(s->bytes(0)),
                   {std::string(s->bytes(1)), std::string(s->bytes(2)), std::string(s->bytes(3)),
                    "", from_unix(s->integer(4)), from_unix(s->integer(5))}});
  }
}

Status Ledger::forget_expired(WallTime now) {
  const MutexLock lock(write_mutex_);
  writer_->forget_expired.bind(1, to_unix(now));
  return writer_->forget_expired.run();
}

}  // namespace gw::buildd
