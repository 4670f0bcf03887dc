#include "buildd/published_head.h"

#include <fmt/format.h>

#include "os/file.h"
#include "tlog/build_log.h"

namespace gw::buildd {

Result<std::string> PublishedHead::sign(std::string_view text) {
  GW_TRY(std::string note, signer_.sign(text));
  if (auto saved = os::write_file_atomic(path_, note, 0644); !saved) {
    return std::move(saved).error().in("keeping the head that is to be published");
  }
  return note;
}

Result<std::optional<tlog::Checkpoint>> PublishedHead::load() const {
  auto note = os::read_file(path_, tlog::kMaxNoteBytes);
  if (!note) {
    if (note.error().kind == ErrorKind::kNotFound) return std::optional<tlog::Checkpoint>();
    return std::move(note).error();
  }
  auto head = tlog::Checkpoint::open(*note, key(), tlog::kBuildLog);
  if (!head) {
    return corrupt_error(fmt::format("{}: {}", path_, head.error().message),
                         "is it another log's, or the key another one?");
  }
  return std::optional(*std::move(head));
}

}  // namespace gw::buildd
