#include "os/file_watch.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace gw::os {

namespace {

constexpr std::uint32_t kEvents = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR;

// Whether others may change it without this kernel's knowing.
bool is_remote(const std::string& directory) {
  constexpr std::array<std::uint32_t, 8> kRemote = {
      NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, SMB2_SUPER_MAGIC, CIFS_SUPER_MAGIC,
      V9FS_MAGIC,      AFS_SUPER_MAGIC, CEPH_SUPER_MAGIC, FUSE_SUPER_MAGIC};
  struct statfs info {};
  if (::statfs(directory.c_str(), &info) != 0) return true;
  return std::find(kRemote.begin(), kRemote.end(), static_cast<std::uint32_t>(info.f_type)) !=
         kRemote.end();
}

}  // namespace

Result<FileWatch> FileWatch::make() {
  Fd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify) return io_error(fmt::format("watching files: {}", std::strerror(errno)));
  return FileWatch(std::move(inotify));
}

bool FileWatch::add(const std::string& file) {
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(file, failed).lexically_normal();
  if (failed || real_path(file) != absolute.string()) return false;
  const std::string directory = absolute.parent_path().string();
  if (is_remote(directory)) return false;
  const int watch = ::inotify_add_watch(inotify_.get(), directory.c_str(), kEvents);
  if (watch < 0) return false;
  names_[watch].insert(absolute.filename().string());
  return true;
}

bool FileWatch::drain() {
  bool changed = false;
  alignas(inotify_event) std::array<char, 16 << 10> buffer;
  while (true) {
    const ssize_t n = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return changed;
    for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      const char* name = buffer.data() + at + sizeof(event);
      at += sizeof(event) + event.len;
      const auto names = names_.find(event.wd);
      // Of the directory itself, or too much at once to be told: look.
      if (event.len == 0 || (event.mask & (IN_Q_OVERFLOW | IN_IGNORED)) != 0) changed = true;
      if (names == names_.end()) continue;
      changed = changed || names->second.count(name) != 0;
      if ((event.mask & IN_IGNORED) != 0) names_.erase(names);
    }
  }
}

}  // namespace gw::os
