#include "sqlite/sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <utility>

namespace gw::sqlite {
namespace {

Error no_database() {
  return usage_error("not an SQLite database", "if it should be one, " + std::string(kDamagedHint));
}

Error sqlite_error(sqlite3* db, int code) {
  std::string message = sqlite3_errstr(code);
  if (db != nullptr) {
    // The connection's text says which table or constraint; it is the same text otherwise.
    message = sqlite3_errmsg(db);
    if (sqlite3_system_errno(db) != 0 && (code & 0xff) != SQLITE_BUSY) {
      message = errno_error(message, sqlite3_system_errno(db)).message;
    }
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable_error(std::move(message));
    case SQLITE_NOTADB:
      return no_database();
    case SQLITE_CORRUPT:
      return corrupt_error(std::move(message), std::string(kDamagedHint));
    case SQLITE_TOOBIG:
      return corrupt_error(std::move(message));
    case SQLITE_READONLY:
      return io_error(std::move(message),
                      "who may not write needs the -wal and -shm files beside the database to be "
                      "there, and to read them");
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOMEM:
      return io_error(std::move(message));
    default:
      return internal_error("sqlite: " + message);
  }
}

}  // namespace

Statement& Statement::operator=(Statement&& o) noexcept {
  std::swap(stmt_, o.stmt_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(stmt_); }

Statement& Statement::bind(int i, std::int64_t v) {
  sqlite3_bind_int64(stmt_, i, v);
  return *this;
}
Statement& Statement::bind_text(int i, std::string_view v) {
  sqlite3_bind_text64(stmt_, i, v.data() == nullptr ? "" : v.data(), v.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind_blob(int i, std::string_view v) {
  sqlite3_bind_blob64(stmt_, i, v.data() == nullptr ? "" : v.data(), v.size(), SQLITE_STATIC);
  return *this;
}
Statement& Statement::bind_null(int i) {
  sqlite3_bind_null(stmt_, i);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(stmt_);
    return false;
  }
  sqlite3* db = sqlite3_db_handle(stmt_);
  Error error = sqlite_error(db, sqlite3_extended_errcode(db));
  sqlite3_reset(stmt_);
  return error;
}

Status Statement::run() {
  GW_TRY(const bool row, step());
  if (row) reset();
  return {};
}

void Statement::reset() { sqlite3_reset(stmt_); }

std::int64_t Statement::integer(int i) const { return sqlite3_column_int64(stmt_, i); }

std::string_view Statement::bytes(int i) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(stmt_, i));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt_, i));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

bool Statement::is_null(int i) const { return sqlite3_column_type(stmt_, i) == SQLITE_NULL; }

Result<Database> Database::open(const std::string& path, Mode mode, const std::string& vfs) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::kCreate) flags |= SQLITE_OPEN_CREATE;
  Database db;
  db.path_ = path;
  // Else every allocation takes a global lock to keep statistics that nobody reads. Refused once
  // SQLite runs, which is as good.
  [[maybe_unused]] static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  const int code =
      sqlite3_open_v2(path.c_str(), &db.db_, flags, vfs.empty() ? nullptr : vfs.c_str());
  if (code != SQLITE_OK) return sqlite_error(db.db_, code).in(path);
  // SQLite takes a file that is shorter than a page for an empty database, and writes over it.
  constexpr off_t kSmallestPage = 512;
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && info.st_size > 0 && info.st_size < kSmallestPage) {
    return no_database();
  }
  sqlite3_busy_timeout(db.db_, 5000);
  // A file that somebody else made may hold views and triggers in place of tables, and damaged
  // pages.
  sqlite3_db_config(db.db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db.db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db.db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db.db_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_exec(db.db_, "PRAGMA cell_size_check = ON", nullptr, nullptr, nullptr);
  // Far above what any program of the house puts into one value.
  sqlite3_limit(db.db_, SQLITE_LIMIT_LENGTH, 64 << 20);
  return db;
}

Database& Database::operator=(Database&& o) noexcept {
  std::swap(db_, o.db_);
  std::swap(path_, o.path_);
  return *this;
}

Database::~Database() { sqlite3_close_v2(db_); }

Status Database::exec(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db_, code);
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* stmt = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &stmt, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db_, code);
  return Statement(stmt);
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  GW_TRY(Statement statement, prepare(sql));
  GW_TRY(const bool row, statement.step());
  if (!row) return internal_error("no row from: " + std::string(sql));
  return statement.integer(0);
}

std::int64_t Database::changes() const { return sqlite3_changes64(db_); }

void Database::release_memory() { sqlite3_db_release_memory(db_); }

Status Database::keep_log_files() {
  int on = 1;
  const int code = sqlite3_file_control(db_, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
  if (code != SQLITE_OK) return sqlite_error(db_, code);
  return {};
}

bool Database::autocommit() const { return sqlite3_get_autocommit(db_) != 0; }

Result<Transaction> Transaction::begin(Database& db) {
  GW_CHECK(db.exec("BEGIN IMMEDIATE"));
  return Transaction(&db);
}

Transaction::~Transaction() {
  // Some errors (disk full, I/O) have rolled back already.
  if (db_ != nullptr && !db_->autocommit()) (void)db_->exec("ROLLBACK");
}

Status Transaction::commit() {
  GW_CHECK(db_->exec("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace gw::sqlite
