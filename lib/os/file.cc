#include "os/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>

#include "base/bytes.h"
#include "base/crypto.h"
#include "os/file_parts.h"

namespace gw::os {

Fd& Fd::operator=(Fd&& o) noexcept {
  if (this != &o) {
    reset();
    fd_ = o.release();
  }
  return *this;
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Fd open_retry(const std::string& path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return Fd(fd);
}

std::string directory_of(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::optional<struct stat>> look_at(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) return std::optional(info);
  if (errno == ENOENT) return std::optional<struct stat>();
  return errno_error("looking at " + path, errno);
}

namespace {

Status sync_directory(const std::string& path) {
  const std::string dir = directory_of(path);
  const Fd fd = open_retry(dir, O_RDONLY | O_DIRECTORY);
  if (!fd) return errno_error("opening " + dir, errno);
  if (::fsync(fd.get()) != 0) return errno_error("fsync of " + dir, errno);
  return {};
}

// Writes, syncs and closes; the caller removes the file when this fails.
Status fill(Fd fd, std::string_view data, const std::string& path) {
  if (const int error = write_all(fd.get(), data); error != 0) {
    return errno_error("writing " + path, error);
  }
  if (::fsync(fd.get()) != 0) return errno_error("fsync of " + path, errno);
  if (::close(fd.release()) != 0) return errno_error("closing " + path, errno);
  return {};
}

bool ours_or_roots(const struct stat& info) {
  return info.st_uid == 0 || info.st_uid == ::geteuid();
}

// Mode and owner of the file that the new one replaces.
void take_after(int fd, const struct stat& old) {
  // The owner first: a change of it may take bits of the mode away. Neither is worth a failure.
  if (old.st_uid != ::geteuid() || old.st_gid != ::getegid()) {
    [[maybe_unused]] const int owned = ::fchown(fd, old.st_uid, old.st_gid);
  }
  [[maybe_unused]] const int moded = ::fchmod(fd, old.st_mode & 07777);
}

// Takes away what writers that were killed left beside the file. One that writes now has a young
// one.
void remove_left_over(const std::string& path) {
  constexpr std::time_t kOld = 3600;
  constexpr std::size_t kRandomDigits = 12;
  const auto slash = path.rfind('/');
  const std::string begin =
      fmt::format(".{}.tmp-", path.substr(slash == std::string::npos ? 0 : slash + 1));
  const DirStream dir(::opendir(directory_of(path).c_str()));
  if (!dir) return;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(begin) || name.size() != begin.size() + kRandomDigits) continue;
    struct stat info {};
    if (::fstatat(::dirfd(dir.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(info.st_mode) || ::time(nullptr) - info.st_mtime < kOld) continue;
    ::unlinkat(::dirfd(dir.get()), entry->d_name, 0);
  }
}

}  // namespace

Result<std::string> file_to_write(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the kernel
  std::string at = path;
  for (int links = 0;; ++links) {
    GW_TRY(const auto found, look_at(at));
    if (found && S_ISLNK(found->st_mode)) {
      if (links == kMostLinks) return usage_error(path + ": too many links");
      if (!ours_or_roots(*found)) {
        return usage_error(at + ": a link that belongs to another user", "name the file itself");
      }
      std::error_code failed;
      const std::filesystem::path to = std::filesystem::read_symlink(at, failed);
      if (failed) return errno_error("reading the link " + at, failed.value());
      at = (to.is_absolute() ? to : std::filesystem::path(at).parent_path() / to).string();
      continue;
    }
    if (found && S_ISDIR(found->st_mode)) return usage_error(path + ": is a directory, not a file");
    if (found && !S_ISREG(found->st_mode)) {
      return usage_error(path + ": not a regular file",
                         "it would be replaced: name a file of its own");
    }
    if (at.empty() || at.ends_with('/')) return usage_error(path + ": not a file's name");
    return at;
  }
}

Result<std::string> read_open_file(const Fd& fd, const std::string& path, std::size_t max_bytes) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return errno_error("reading " + path, errno);
  if (S_ISDIR(st.st_mode)) return io_error(path + ": is a directory, not a file");
  std::string out;
  // One byte more than the size tells a file that grows, or that has no size (a pipe), from its
  // end.
  std::size_t chunk = st.st_size > 0 ? static_cast<std::size_t>(st.st_size) + 1 : 4096;
  for (;;) {
    const std::size_t old = out.size();
    const std::size_t want = std::min(chunk, max_bytes + 1 - old);
    out.resize(old + want);
    ssize_t n = ::read(fd.get(), out.data() + old, want);
    if (n < 0 && errno == EINTR)
      n = 0, out.resize(old);
    else if (n < 0)
      return errno_error("reading " + path, errno);
    else if (n == 0) {
      out.resize(old);
      return out;
    }
    out.resize(old + static_cast<std::size_t>(n));
    if (out.size() > max_bytes) {
      return io_error(fmt::format("{}: larger than {} bytes", path, max_bytes));
    }
    chunk = std::max<std::size_t>(chunk, 4096);
  }
}

namespace {

Result<Fd> open_to_read(const std::string& path, int flags) {
  Fd fd = open_retry(path, O_RDONLY | flags);
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) {
    return not_found_error(path + ": no such file");
  }
  if (!fd) return errno_error("opening " + path, errno);
  return fd;
}

// A named pipe that somebody has open for writing is read to its end, however long that takes;
// nobody is waited for who may never come. Anything but a pipe is as it is. The first octet, if it
// was read to find that out; from then on reading waits.
Result<std::string> wait_for_writer(const Fd& fd, const std::string& path) {
  constexpr int kPatience = 1000;  // milliseconds
  struct stat st {};
  std::string begin;
  if (::fstat(fd.get(), &st) == 0 && S_ISFIFO(st.st_mode)) {
    pollfd event{.fd = fd.get(), .events = POLLIN, .revents = 0};
    int events = 0;
    do {
      events = ::poll(&event, 1, kPatience);
    } while (events < 0 && errno == EINTR);
    if (events == 0) {
      // A pipe without a writer is at its end; one whose writer is silent is not.
      char octet = 0;
      const ssize_t n = ::read(fd.get(), &octet, 1);
      if (n == 0) return io_error(path + ": a pipe that nobody writes to");
      if (n == 1) begin = octet;
    }
  }
  if (::fcntl(fd.get(), F_SETFL, 0) != 0) return errno_error("reading " + path, errno);
  return begin;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  // Not waiting: open(2) would, for a named pipe's writer, for ever.
  GW_TRY(const Fd fd, open_to_read(path, O_NONBLOCK | O_NOCTTY));
  GW_TRY(const std::string begin, wait_for_writer(fd, path));
  if (begin.empty()) return read_open_file(fd, path, max_bytes);
  GW_TRY(const std::string rest,
         read_open_file(fd, path, std::max(max_bytes, begin.size()) - begin.size()));
  return begin + rest;
}

Result<Fd> open_regular_file(const std::string& path) {
  GW_TRY(Fd fd, open_to_read(path, O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return errno_error("reading " + path, errno);
  if (!S_ISREG(st.st_mode)) {
    return usage_error(
        path + (S_ISDIR(st.st_mode) ? ": is a directory, not a file" : ": not a regular file"));
  }
  return fd;
}

Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes) {
  GW_TRY(const Fd fd, open_regular_file(path));
  return read_open_file(fd, path, max_bytes);
}

Status write_file_atomic(const std::string& path, std::string_view data, mode_t mode) {
  GW_TRY(const std::string real, file_to_write(path));
  GW_TRY(const auto old, look_at(real));
  const auto slash = real.rfind('/');
  const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
  const std::string tmp = fmt::format("{}.{}.tmp-{}", real.substr(0, base), real.substr(base),
                                      encode_hex(random_bytes(6)));
  Fd fd = open_retry(tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (!fd) return errno_error("creating " + tmp, errno);
  if (old) take_after(fd.get(), *old);
  if (auto s = fill(std::move(fd), data, tmp); !s) {
    ::unlink(tmp.c_str());
    return s;
  }
  if (::rename(tmp.c_str(), real.c_str()) != 0) {
    const int err = errno;
    ::unlink(tmp.c_str());
    return errno_error(fmt::format("renaming {} to {}", tmp, real), err);
  }
  remove_left_over(real);
  return sync_directory(real);
}

namespace {

// What a umask takes from the owner of a new file.
Status give_to_owner(int fd, const std::string& path, mode_t mode) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return errno_error(path, errno);
  const mode_t wanted = info.st_mode | (mode & S_IRWXU);
  if (wanted == info.st_mode || ::fchmod(fd, wanted & 07777U) == 0) return {};
  return errno_error("the mode of " + path, errno);
}

}  // namespace

Status create_file(const std::string& path, std::string_view data, mode_t mode) {
  Fd fd = open_retry(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (!fd && errno == EEXIST) return usage_error(path + ": already exists");
  if (!fd) return errno_error("creating " + path, errno);
  if (auto s = give_to_owner(fd.get(), path, mode); !s) {
    ::unlink(path.c_str());
    return s;
  }
  if (auto s = fill(std::move(fd), data, path); !s) {
    ::unlink(path.c_str());
    return s;
  }
  return sync_directory(path);
}

bool file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool is_regular_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return errno_error("looking at " + path, errno);
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

std::string real_path(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the kernel
  std::string at = path;
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code failed;
    const std::filesystem::path p(at);
    const auto to = std::filesystem::read_symlink(p, failed);
    if (failed) {
      const auto dir = p.has_parent_path() ? p.parent_path() : std::filesystem::path(".");
      const auto real = std::filesystem::canonical(dir, failed);
      return failed ? path : (real / p.filename()).string();
    }
    at = (to.is_absolute() ? to : p.parent_path() / to).string();
  }
  return path;
}

}  // namespace gw::os
