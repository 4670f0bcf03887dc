#include "os/socket_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>
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

}  // namespace

std::optional<SocketFile> SocketFile::of(int fd, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || !is_bound_to(fd, path)) return {};
  // Who may remove a name need not be one who may read them all.
  Fd opened(::open(path.substr(0, slash + 1).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return {};
  Dir directory(std::move(opened));
  std::string name = path.substr(slash + 1);
  const auto info = socket_at(directory, name);
  if (!info) return {};
  return SocketFile{std::move(directory), std::move(name), info->st_dev, info->st_ino};
}

void SocketFile::remove() const {
  const auto now = socket_at(directory, name);
  if (now && now->st_dev == device && now->st_ino == inode) (void)directory.unlink(name);
}

}  // namespace gw::os
