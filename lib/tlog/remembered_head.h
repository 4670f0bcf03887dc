// The head that `check --prove` remembers between calls, in a file of its own.
//
// It must never move the follower's position, and check runs as other users than the follower: so
// it is no table of the database but a small file, replaced atomically, that holds one signed note
// verbatim. It is locked only while it is replaced: comparing heads takes round trips, and others
// wait. Who finds it changed then compares with what is there now, so that it never goes back.
//
//   GW_TRY(auto remembered, RememberedHead::open(remembered_head_path(db)));
//   do {
//     … verify remembered.note() with the log's key, prove the new head consistent with it …
//     GW_TRY(saved, remembered.save(new_note));
//   } while (!saved);
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::tlog {

// The file beside a database: "DB.check-head".
std::string remembered_head_path(const std::string& db_path);

class RememberedHead {
 public:
  // Reads the file. kCorrupt when it is over 1 MB; kUsage, when it cannot be a file of ours; kIo.
  static Result<RememberedHead> open(const std::string& path);

  // None before the first save. What it says is not trusted: open it with the log's key.
  const std::optional<std::string>& note() const { return note_; }

  // Durable when it returns. False, and nothing is written, when the file holds another note than
  // note() by now, which is its note() from then on. kUnavailable when another process keeps the
  // lock (PATH.lock, created when missing) for ten seconds.
  Result<bool> save(std::string_view note);

 private:
  explicit RememberedHead(std::string path) : path_(std::move(path)) {}
  Status load();
  std::string path_;
  std::optional<std::string> note_;
};

}  // namespace gw::tlog
