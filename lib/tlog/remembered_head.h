// The head that `check --prove` remembers between calls, in a file of its own.
//
// It must never move the follower's position, and check runs as other users than the follower: so
// it is no table of the database but a small file, replaced atomically, that holds one signed note
// verbatim. A second check waits for the lock, so that the remembered head never goes back.
//
//   GW_TRY(auto remembered, RememberedHead::open(remembered_head_path(db)));
//   … verify remembered.note() with the log's key, prove the new head consistent with it …
//   GW_CHECK(remembered.save(new_note));
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/file.h"

namespace gw::tlog {

// The file beside a database: "DB.check-head".
std::string remembered_head_path(const std::string& db_path);

class RememberedHead {
 public:
  // Takes the lock (PATH.lock, created when missing), waiting up to two seconds, and reads the
  // file. kUnavailable when another process keeps the lock, kCorrupt when the file is over 1 MB,
  // kIo.
  static Result<RememberedHead> open(const std::string& path);

  // None before the first save. What it says is not trusted: open it with the log's key.
  const std::optional<std::string>& note() const { return note_; }

  // Durable when it returns.
  Status save(std::string_view note);

 private:
  RememberedHead(std::string path, os::LockFile lock, std::optional<std::string> note)
      : path_(std::move(path)), lock_(std::move(lock)), note_(std::move(note)) {}
  std::string path_;
  os::LockFile lock_;
  std::optional<std::string> note_;
};

}  // namespace gw::tlog
