#include "os/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/bytes.h"
#include "base/crypto.h"

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

namespace {

Fd open_retry(const std::string& path, int flags, mode_t mode = 0) {
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

Status sync_directory(const std::string& path) {
  std::string dir = directory_of(path);
  Fd fd = open_retry(dir, O_RDONLY | O_DIRECTORY);
  if (!fd) return errno_error("opening " + dir, errno);
  if (::fsync(fd.get()) != 0) return errno_error("fsync of " + dir, errno);
  return {};
}

// Writes, syncs and closes; the caller removes the file when this fails.
Status fill(Fd fd, std::string_view data, mode_t mode, const std::string& path) {
  if (::fchmod(fd.get(), mode) != 0) return errno_error("chmod of " + path, errno);
  if (const int error = write_all(fd.get(), data); error != 0) {
    return errno_error("writing " + path, error);
  }
  if (::fsync(fd.get()) != 0) return errno_error("fsync of " + path, errno);
  if (::close(fd.release()) != 0) return errno_error("closing " + path, errno);
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  Fd fd = open_retry(path, O_RDONLY);
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) {
    return not_found_error(path + ": no such file");
  }
  if (!fd) return errno_error("opening " + path, errno);
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

Status write_file_atomic(const std::string& path, std::string_view data, mode_t mode) {
  const auto slash = path.rfind('/');
  const std::size_t base = slash == std::string::npos ? 0 : slash + 1;
  const std::string tmp = fmt::format("{}.{}.tmp-{}", path.substr(0, base), path.substr(base),
                                      encode_hex(random_bytes(6)));
  Fd fd = open_retry(tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (!fd) return errno_error("creating " + tmp, errno);
  if (auto s = fill(std::move(fd), data, mode, tmp); !s) {
    ::unlink(tmp.c_str());
    return s;
  }
  if (::rename(tmp.c_str(), path.c_str()) != 0) {
    const int err = errno;
    ::unlink(tmp.c_str());
    return errno_error(fmt::format("renaming {} to {}", tmp, path), err);
  }
  return sync_directory(path);
}

Status create_file(const std::string& path, std::string_view data, mode_t mode) {
  Fd fd = open_retry(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (!fd && errno == EEXIST) return usage_error(path + ": already exists");
  if (!fd) return errno_error("creating " + path, errno);
  if (auto s = fill(std::move(fd), data, mode, path); !s) {
    ::unlink(path.c_str());
    return s;
  }
  return sync_directory(path);
}

bool file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

namespace {

// The lock file at `path`, which may be taken away while it is opened.
Result<Fd> open_lock(const std::string& path, bool* made) {
  constexpr int kTries = 100;
  for (int i = 0;; ++i) {
    Fd fd = open_retry(path, O_RDWR | O_CREAT | O_EXCL, 0644);
    *made = static_cast<bool>(fd);
    if (!fd && errno == EEXIST) fd = open_retry(path, O_RDWR, 0);
    if (fd) return fd;
    // ENOENT: the directory is missing, or the file went away just now.
    if (errno != ENOENT || i == kTries) return errno_error("opening " + path, errno);
  }
}

}  // namespace

Result<LockFile> LockFile::acquire(const std::string& path) {
  while (true) {
    bool made = false;
    GW_TRY(Fd fd, open_lock(path, &made));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return errno_error("locking " + path, errno);
      std::string pid(32, '\0');
      const ssize_t n = ::pread(fd.get(), pid.data(), pid.size(), 0);
      pid.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
      while (!pid.empty() && pid.back() == '\n') pid.pop_back();
      return unavailable_error(
          fmt::format("{}: held by process {}", path, pid.empty() ? "?" : pid));
    }
    struct stat held {};
    struct stat there {};
    if (::fstat(fd.get(), &held) != 0) return errno_error("locking " + path, errno);
    // Its holder removed it between our open and our lock: a lock on it keeps nobody out.
    if (::stat(path.c_str(), &there) != 0 || held.st_ino != there.st_ino ||
        held.st_dev != there.st_dev) {
      continue;
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd.get(), 0) != 0 ||
        ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
      return errno_error("writing " + path, errno);
    }
    return LockFile(std::move(fd), path, made);
  }
}

void LockFile::remove_if_new() {
  if (fd_ && made_) ::unlink(path_.c_str());
  made_ = false;
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
