#include "os/open_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "os/file.h"

namespace gw::os {
namespace {

int or_errno(int fd) { return fd >= 0 ? fd : -errno; }

std::uint64_t resolve_flags(Resolve resolve) {
  switch (resolve) {
    case Resolve::kAny:
      break;
    case Resolve::kNoLinks:
      return RESOLVE_NO_SYMLINKS;
    case Resolve::kBeneath:
      return RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  }
  return 0;
}

bool is_link(int at, const char* name, int flags) {
  struct stat info {};
  return ::fstatat(at, name, &info, flags) == 0 && S_ISLNK(info.st_mode);
}

// One component, itself and not what it leads to.
int open_one(int at, const std::string& name, int flags, mode_t mode) {
  Fd fd(::openat(at, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
  // The kernel looks first whether it is a directory.
  if (!fd) {
    const int error = errno;
    return error == ENOTDIR && is_link(at, name.c_str(), AT_SYMLINK_NOFOLLOW) ? -ELOOP : -error;
  }
  // With both flags a link itself is opened, for who asked for it by them.
  const bool asked = (flags & O_NOFOLLOW) != 0;
  if ((flags & O_PATH) != 0 && !asked && is_link(fd.get(), "", AT_EMPTY_PATH)) return -ELOOP;
  return fd.release();
}

// The way to a file: the directories that were gone through, each open.
class Way {
 public:
  Way(int at, bool beneath) : at_(at), beneath_(beneath) {}

  int last() const { return gone_.empty() ? at_ : gone_.back().get(); }
  // 0, or a negative errno value.
  int go(const std::string& name) {
    if (name == "..") return go_back();
    const int fd = open_one(last(), name, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) return fd;
    gone_.emplace_back(fd);
    return 0;
  }

 private:
  int go_back() {
    if (!gone_.empty() && beneath_) {
      gone_.pop_back();
      return 0;
    }
    if (beneath_) return -EXDEV;
    const int fd = or_errno(::openat(last(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0) return fd;
    gone_.emplace_back(fd);
    return 0;
  }

  int at_;
  bool beneath_;
  std::vector<Fd> gone_;
};

int walk(int at, std::string_view path, int flags, mode_t mode, bool beneath) {
  if (path.empty()) return -ENOENT;
  Way way(at, beneath);
  if (path.front() == '/') {
    if (beneath) return -EXDEV;
    if (const int error = way.go("/"); error != 0) return error;
  }
  std::vector<std::string> names;
  for (const std::string_view name : split(path, '/')) {
    if (!name.empty() && name != ".") names.emplace_back(name);
  }
  // A directory's own name is not followed, but gone to, when it ends the path.
  if (names.empty() || names.back() == ".." || path.back() == '/') names.emplace_back(".");
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    if (const int error = way.go(names[i]); error != 0) return error;
  }
  return open_one(way.last(), names.back(), flags, mode);
}

}  // namespace

int open_resolved(int at, const std::string& path, int flags, mode_t mode, Resolve resolve) {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = resolve_flags(resolve);
  constexpr int kTries = 100;  // EAGAIN: something was renamed while the kernel looked
  int fd = -EAGAIN;
  for (int i = 0; i < kTries && (fd == -EAGAIN || fd == -EINTR); ++i) {
    fd = or_errno(static_cast<int>(::syscall(SYS_openat2, at, path.c_str(), &how, sizeof how)));
  }
  if (fd != -ENOSYS) return fd;
  if (resolve == Resolve::kAny) {
    return or_errno(::openat(at, path.c_str(), flags | O_CLOEXEC, mode));
  }
  return walk(at, path, flags, mode, resolve == Resolve::kBeneath);
}

}  // namespace gw::os
