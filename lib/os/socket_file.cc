#include "os/socket_file.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace gw::os {
namespace {

std::optional<SocketFile> socket_at(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return {};
  return SocketFile{path, info.st_dev, info.st_ino};
}

}  // namespace

std::optional<SocketFile> SocketFile::of(int fd, const std::string& path) {
  sockaddr_un bound{};  // of one more byte than the kernel writes: zero-terminated
  socklen_t size = sizeof bound - 1;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return {};
  if (bound.sun_family != AF_UNIX || path != bound.sun_path) return {};
  return socket_at(path);
}

void SocketFile::remove() const {
  const auto now = socket_at(path);
  if (now && now->device == device && now->inode == inode) ::unlink(path.c_str());
}

}  // namespace gw::os
