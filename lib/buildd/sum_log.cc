#include "buildd/sum_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"

namespace gw::buildd {

namespace {

constexpr std::uint32_t kLinesAtOnce = 1024;

}  // namespace

Result<std::unique_ptr<SumLog>> SumLog::open(const std::string& path, Ledger& ledger) {
  os::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd) return errno_error(path, errno);
  std::unique_ptr<SumLog> out(new SumLog(std::move(fd), ledger));
  GW_CHECK(out->check(path));
  GW_CHECK(out->follow());
  return out;
}

// Counts lines, takes half a one away, and compares the last with its record. A file that is not
// the ledger's beginning is emptied: follow() writes it anew.
Status SumLog::check(const std::string& path) {
  const MutexLock lock(mutex_);
  std::string buffer(std::size_t{1} << 20U, '\0');
  std::string last, line;
  off_t at = 0, whole = 0;
  while (true) {
    const ssize_t n = ::pread(fd_.get(), buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(path, errno);
    if (n == 0) break;
    for (const char c : std::string_view(buffer).substr(0, static_cast<std::size_t>(n))) {
      ++at;
      line += c;
      if (c != '\n') continue;
      ++lines_;
      whole = at;
      last.swap(line);
      line.clear();
    }
  }
  GW_TRY(const std::uint64_t size, ledger_.size());
  bool ours = lines_ <= size;
  if (ours && lines_ > 0) {
    GW_TRY(const auto record, ledger_.read_records(lines_ - 1, 1));
    ours = record[0] == last;
  }
  bytes_ = ours ? whole : 0;
  if (!ours) lines_ = 0;
  if (bytes_ < at && ::ftruncate(fd_.get(), bytes_) != 0) return errno_error(path, errno);
  return {};
}

Status SumLog::follow() {
  const MutexLock lock(mutex_);
  GW_TRY(const std::uint64_t size, ledger_.size());
  if (lines_ >= size) return {};
  while (lines_ < size) {
    const auto count =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(size - lines_, kLinesAtOnce));
    GW_TRY(const auto records, ledger_.read_records(lines_, count));
    std::string text;
    for (const std::string& record : records) text += record;
    if (const int error = write_all(fd_.get(), text)) {
      // What did get there would be in the middle of the file.
      const bool whole = ::ftruncate(fd_.get(), bytes_) == 0;
      return errno_error(whole ? "appending records" : "appending records, and undoing it", error);
    }
    lines_ += count;
    bytes_ += static_cast<off_t>(text.size());
  }
  if (::fdatasync(fd_.get()) != 0) return errno_error("appending records", errno);
  return {};
}

}  // namespace gw::buildd
