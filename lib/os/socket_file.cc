#include "os/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

namespace gw::os {
namespace {

// A path may fill sun_path; the kernel then writes its zero byte behind it.
struct BoundAddress {
  sockaddr_un address;
  char end;
};
static_assert(sizeof(BoundAddress) > sizeof(sockaddr_un));

std::optional<struct stat> socket_at(const Dir& directory, const std::string& name) {
  const auto found = directory.find(name);
  if (!found || !*found || !S_ISSOCK((*found)->st_mode)) return {};
  return **found;
}

bool is_bound_to(int fd, std::string_view path) {
  BoundAddress bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return false;
  constexpr std::size_t kHead = offsetof(sockaddr_un, sun_path);
  if (bound.address.sun_family != AF_UNIX || size <= kHead + path.size()) return false;
  const char* const begin = reinterpret_cast<const char*>(&bound) + kHead;
  return std::string_view(begin, path.size()) == path && begin[path.size()] == '\0';
}

const sockaddr* raw(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Fd new_unix_socket() {
  return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// Takes away what a dead server left.
Status make_room(const std::string& path, const sockaddr_un& address, const std::string& flag) {
  const std::string other = flag.empty() ? "" : "name another " + flag;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return usage_error(path + " exists and is no socket", other);
  // Only a refusal says that nobody listens: a server that is busy, or another user's, is one.
  const Fd probe = new_unix_socket();
  if (!probe) return errno_error(path, errno);
  if (::connect(probe.get(), raw(address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return usage_error(
        path + ": another server answers there",
        flag.empty() ? "stop it" : fmt::format("stop it, or {} for this one", other));
  }
  ::unlink(path.c_str());
  return {};
}

Error path_error(const std::string& path, int err) {
  Error error = errno_error(path, err);
  // Somebody else was faster, or we may not.
  if (err == EADDRINUSE || err == EACCES) error.kind = ErrorKind::kUsage;
  return error;
}

}  // namespace

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A zero byte would make it a name of the abstract kind, which has no owner.
  if (path.empty() || path.size() >= sizeof address.sun_path ||
      path.find('\0') != std::string::npos) {
    return usage_error(fmt::format("{}: the path of a socket has at most {} bytes", path,
                                   sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

std::optional<SocketFile> SocketFile::of(int fd, const std::string& path) {
  if (!is_bound_to(fd, path)) return {};
  const std::size_t start = path.rfind('/') + 1;  // 0 without any
  const std::string above = start == 0 ? "." : path.substr(0, start);
  // Who may remove a name need not be one who may read them all.
  Fd opened(::open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return {};
  Dir directory(std::move(opened));
  std::string name = path.substr(start);
  const auto info = socket_at(directory, name);
  if (!info) return {};
  return SocketFile{std::move(directory), std::move(name), info->st_dev, info->st_ino};
}

void SocketFile::remove() const {
  const auto now = socket_at(directory, name);
  if (now && now->st_dev == device && now->st_ino == inode) (void)directory.unlink(name);
}

Result<PathListener> listen_on_path(const std::string& path, const PathOptions& options) {
  auto address = unix_address(path);
  if (!address) {
    if (!options.flag.empty()) address.error().hint = "name another one with " + options.flag;
    return std::move(address).error();
  }
  GW_CHECK(make_room(path, *address, options.flag));
  Fd fd = new_unix_socket();
  // The mode of a socket that is not bound yet is that of its file, but for what the umask takes;
  // so it never lets in more than it will. Nobody can connect before listen().
  if (!fd || (options.mode && ::fchmod(fd.get(), *options.mode) != 0) ||
      ::bind(fd.get(), raw(*address), sizeof *address) != 0) {
    return path_error(path, errno);
  }
  auto file = SocketFile::of(fd.get(), path);
  if (!file) return io_error(path + ": the socket that was made there is gone");
  if ((options.mode && ::chmod(path.c_str(), *options.mode) != 0) ||
      ::listen(fd.get(), options.backlog) != 0) {
    const int err = errno;
    file->remove();
    return path_error(path, err);
  }
  return PathListener{std::move(fd), *std::move(file)};
}

}  // namespace gw::os
