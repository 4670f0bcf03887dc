#include "tlog/remembered_head.h"

#include <chrono>
#include <thread>

namespace gw::tlog {
namespace {

constexpr std::size_t kMaxBytes = 1UL << 20U;
constexpr int kTries = 40;
constexpr std::chrono::milliseconds kPause{50};

}  // namespace

std::string remembered_head_path(const std::string& db_path) { return db_path + ".check-head"; }

Result<RememberedHead> RememberedHead::open(const std::string& path) {
  GW_TRY(const std::string file, os::file_to_write(path));
  auto lock = os::LockFile::acquire(file + ".lock");
  // A check holds the lock for as long as a few fetches take.
  for (int i = 1; i < kTries && !lock && lock.error().kind == ErrorKind::kUnavailable; ++i) {
    std::this_thread::sleep_for(kPause);
    lock = os::LockFile::acquire(file + ".lock");
  }
  if (!lock) return std::move(lock).error();
  auto note = os::read_file(file, kMaxBytes);
  if (note) return RememberedHead(file, *std::move(lock), *std::move(note));
  if (note.error().kind != ErrorKind::kNotFound) return std::move(note).error();
  return RememberedHead(file, *std::move(lock), std::nullopt);
}

Status RememberedHead::save(std::string_view note) {
  GW_CHECK(os::write_file_atomic(path_, note, 0644));
  note_ = std::string(note);
  return {};
}

}  // namespace gw::tlog
