// A log's signed head. Holding a Checkpoint means that the signature was good: open() is the only
// way to make one. That it is consistent with an earlier head is for Client and RunFetcher to show.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/result.h"
#include "tlog/log_format.h"
#include "tlog/note.h"

namespace gw::tlog {

// A value, copied freely; immutable.
class Checkpoint {
 public:
  // `note`: the signed note with `ORIGIN\nN\nBASE64(root)\n` (further lines are ignored), the
  // origin being the format's, which must outlive the head. kUntrusted for anything else. The empty
  // tree's root may also be written as 32 zero bytes, as golang.org/x/mod's server does; root() is
  // SHA-256("") then.
  static Result<Checkpoint> open(std::string_view note, const VerifierKey& key,
                                 const LogFormat& format);

  std::uint64_t size() const { return size_; }
  const Hash& root() const { return root_; }
  const std::string& note() const { return note_; }  // verbatim
  const std::string& key_name() const { return key_name_; }
  const LogFormat& format() const { return *format_; }
  // The same tree; the notes may differ.
  bool same_tree(const Checkpoint& o) const { return size_ == o.size_ && root_ == o.root_; }

 private:
  Checkpoint() = default;
  std::uint64_t size_ = 0;
  Hash root_{};
  std::string note_;
  std::string key_name_;
  const LogFormat* format_ = nullptr;
};

// The text that a head's note signs. `origin` has no line feed: a format's, or of a checkpoint
// (c2sp_tiles.h) `HOST/tlog`.
std::string format_tree_text(std::string_view origin, std::uint64_t size, const Hash& root);

}  // namespace gw::tlog
