// The one door to SQLite: a connection, prepared statements, a transaction, as Results.
//
// SQLite's own codes become Error kinds here and nowhere else: BUSY is kUnavailable, NOTADB is
// kUsage, CORRUPT is kCorrupt, everything the disk refuses (FULL, IOERR, READONLY, CANTOPEN) is
// kIo. A connection and its statements belong to one thread at a time. Statements must not outlive
// their connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gw::sqlite {

// What to do about a damaged database: the hint of those errors.
inline constexpr std::string_view kDamagedHint =
    "it is damaged: move it away, and have it made anew or put a copy in its place";

class Statement {
 public:
  Statement() = default;
  Statement(Statement&& o) noexcept : stmt_(o.stmt_) { o.stmt_ = nullptr; }
  Statement& operator=(Statement&& o) noexcept;
  ~Statement();

  // Parameters count from 1. Text and blobs are not copied: they must live until reset().
  Statement& bind(int i, std::int64_t v);
  Statement& bind(int i, std::uint64_t v) { return bind(i, static_cast<std::int64_t>(v)); }
  Statement& bind_text(int i, std::string_view v);
  Statement& bind_blob(int i, std::string_view v);
  Statement& bind_null(int i);

  // True: a row is there. False: done; the statement has been reset.
  Result<bool> step();
  // For statements that give no row: runs and resets.
  Status run();
  void reset();

  // Columns count from 0; views live until the next step or reset.
  std::int64_t integer(int i) const;
  std::uint64_t u64(int i) const { return static_cast<std::uint64_t>(integer(i)); }
  std::string_view bytes(int i) const;
  bool is_null(int i) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* stmt) : stmt_(stmt) {}
  sqlite3_stmt* stmt_ = nullptr;
};

class Database {
 public:
  enum class Mode { kRead, kWrite, kCreate };
  // `vfs`: the name of a registered SQLite VFS, empty for the default; tests inject faults by it.
  static Result<Database> open(const std::string& path, Mode mode, const std::string& vfs = {});

  Database() = default;
  Database(Database&& o) noexcept : db_(o.db_), path_(std::move(o.path_)) { o.db_ = nullptr; }
  Database& operator=(Database&& o) noexcept;
  ~Database();

  explicit operator bool() const { return db_ != nullptr; }
  const std::string& path() const { return path_; }

  Status exec(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row; an error when there is none.
  Result<std::int64_t> integer(std::string_view sql);
  std::int64_t changes() const;
  void release_memory();  // of the page cache, what is not in use
  // The -wal and -shm files stay when the last connection closes, the first one emptied: who may
  // read them, and not make them, can read the database at any time. Needs a limit of the WAL's
  // size.
  Status keep_log_files();
  // True outside of a transaction.
  bool autocommit() const;

 private:
  sqlite3* db_ = nullptr;
  std::string path_;
};

// BEGIN IMMEDIATE … COMMIT; rolls back unless commit() was called and succeeded.
class Transaction {
 public:
  static Result<Transaction> begin(Database& db);
  Transaction(Transaction&& o) noexcept : db_(o.db_) { o.db_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Database* db) : db_(db) {}
  Database* db_;
};

}  // namespace gw::sqlite
