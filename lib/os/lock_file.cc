#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/text.h"
#include "os/file_parts.h"

namespace gw::os {

namespace {

constexpr std::size_t kMostLockBytes = 32;  // more than any pid has digits

Error no_lock(const std::string& path, const std::string& why) {
  return usage_error(fmt::format("{}: {}, not a lock file of gwtool", path, why),
                     "look who put it there, and remove it");
}

// A lock file is looked at before it is opened (a device may act on that) and again afterwards (it
// may have been changed meanwhile).
Status check_lock_file(const std::string& path, const struct stat& info) {
  if (S_ISLNK(info.st_mode)) return no_lock(path, "a link");
  if (!S_ISREG(info.st_mode)) return no_lock(path, "not a regular file");
  if (info.st_nlink > 1) return no_lock(path, "a file with another name, too");
  if (info.st_size > static_cast<off_t>(kMostLockBytes)) return no_lock(path, "a file with text");
  return {};
}

// Root writes beside somebody else's files only where nobody else can exchange them.
Status check_lock_directory(const std::string& path) {
  if (::geteuid() != 0) return {};
  const std::string dir = directory_of(path);
  struct stat info {};
  if (::stat(dir.c_str(), &info) != 0) return {};  // the open says what is wrong
  const bool shared =
      (info.st_mode & S_IWOTH) != 0 || ((info.st_mode & S_IWGRP) != 0 && info.st_gid != 0);
  if (info.st_uid == 0 && (!shared || (info.st_mode & S_ISVTX) != 0)) return {};
  return usage_error(
      fmt::format("{}: root does not write where another user may (uid {})", dir, info.st_uid),
      fmt::format("do it as that user: setpriv --reuid {} --regid {} --init-groups gwtool ...",
                  info.st_uid, info.st_gid));
}

// The lock file at `path`, which may be taken away while it is opened.
Result<Fd> open_lock(const std::string& path, bool* made) {
  constexpr int kTries = 100;
  GW_CHECK(check_lock_directory(path));
  for (int i = 0;; ++i) {
    Fd fd = open_retry(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    *made = static_cast<bool>(fd);
    if (!fd && errno == EEXIST) {
      GW_TRY(const auto found, look_at(path));
      if (found) GW_CHECK(check_lock_file(path, *found));
      fd = open_retry(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
      if (!fd && errno == ELOOP) return no_lock(path, "a link");
    }
    if (fd) return fd;
    // ENOENT: the directory is missing, or the file went away just now.
    if (errno != ENOENT || i == kTries) return errno_error("opening " + path, errno);
  }
}

// The pid in it, "" in a new one.
Result<std::string> read_holder(const Fd& fd, const std::string& path) {
  std::string pid(kMostLockBytes + 1, '\0');
  const ssize_t n = ::pread(fd.get(), pid.data(), pid.size(), 0);
  pid.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (pid.ends_with('\n')) pid.pop_back();
  if (pid.empty() || all_digits(pid)) return pid;
  return no_lock(path, "a file with text");
}

// A write lock of this open file: unlike flock(2) it takes a descriptor that may write.
bool lock_all(const Fd& fd) {
  struct flock all {};
  all.l_type = F_WRLCK;
  all.l_whence = SEEK_SET;
  return ::fcntl(fd.get(), F_OFD_SETLK, &all) == 0;
}

}  // namespace

Result<LockFile> LockFile::acquire(const std::string& path, MonoTime deadline) {
  constexpr Duration kPause = std::chrono::milliseconds(10);
  while (true) {
    bool busy = false;
    auto lock = try_once(path, &busy);
    const MonoTime now = system_clock().mono();
    if (!busy || now >= deadline) return lock;
    std::this_thread::sleep_for(std::min(kPause, deadline - now));
  }
}

// `busy`: it is somebody else's.
Result<LockFile> LockFile::try_once(const std::string& path, bool* busy) {
  while (true) {
    bool made = false;
    GW_TRY(Fd fd, open_lock(path, &made));
    struct stat held {};
    struct stat there {};
    if (::fstat(fd.get(), &held) != 0) return errno_error("locking " + path, errno);
    if (held.st_nlink > 0) GW_CHECK(check_lock_file(path, held));
    if (!lock_all(fd)) {
      if (errno != EAGAIN && errno != EACCES) return errno_error("locking " + path, errno);
      *busy = true;
      GW_TRY(const std::string pid, read_holder(fd, path));
      return unavailable_error(
          fmt::format("{}: held by process {}", path, pid.empty() ? "?" : pid));
    }
    // Its holder removed it between our open and our lock: a lock on it keeps nobody out.
    if (::lstat(path.c_str(), &there) != 0 || held.st_ino != there.st_ino ||
        held.st_dev != there.st_dev) {
      continue;
    }
    GW_TRY([[maybe_unused]] const std::string before, read_holder(fd, path));
    // One that an older gwtool or somebody's umask left open to others.
    if ((held.st_mode & 077) != 0) [[maybe_unused]]
      const int closed = ::fchmod(fd.get(), 0600);
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

}  // namespace gw::os
