#include "tlog/remembered_head.h"

#include <chrono>
#include <utility>

#include "os/file.h"

namespace gw::tlog {
namespace {

constexpr std::size_t kMaxBytes = 1UL << 20U;
constexpr mode_t kMode = 0640;
constexpr std::chrono::seconds kPatience{10};

}  // namespace

std::string remembered_head_path(const std::string& db_path) { return db_path + ".check-head"; }

Result<RememberedHead> RememberedHead::open(const std::string& path) {
  GW_TRY(std::string file, os::file_to_write(path));
  RememberedHead head(std::move(file));
  GW_CHECK(head.load());
  return head;
}

Status RememberedHead::load() {
  auto note = os::read_regular_file(path_, kMaxBytes);
  if (!note && note.error().kind != ErrorKind::kNotFound) return std::move(note).error();
  note_ = note ? std::optional(*std::move(note)) : std::nullopt;
  return {};
}

Result<bool> RememberedHead::save(std::string_view note) {
  GW_TRY(const os::LockFile lock,
         os::LockFile::acquire(path_ + ".lock", system_clock().mono() + kPatience));
  const std::optional<std::string> before = std::exchange(note_, std::nullopt);
  GW_CHECK(load());
  if (note_ != before) return false;
  GW_CHECK(os::write_file_atomic(path_, note, kMode));
  note_ = std::string(note);
  return true;
}

}  // namespace gw::tlog
