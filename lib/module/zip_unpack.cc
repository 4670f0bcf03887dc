// ModuleZip::unpack: files into a directory that is empty and ours.
//
// The names were checked when the zip was opened: relative, no "..". Still every directory on the
// way is opened by itself and never through a link, and every file is new, so that whoever gets at
// the directory meanwhile can make us fail and nothing else.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/bytes.h"
#include "base/crypto.h"
#include "module/dirhash.h"
#include "module/path.h"
#include "module/zip.h"

namespace gw::mod {

namespace {

class OpenFd {
 public:
  explicit OpenFd(int fd) : fd_(fd) {}
  ~OpenFd() { reset(-1); }
  OpenFd(const OpenFd&) = delete;
  OpenFd& operator=(const OpenFd&) = delete;

  int get() const { return fd_; }
  void reset(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }
  // An error of the disk may show up only here.
  Status finish() {
    const int fd = fd_;
    fd_ = -1;
    if (close(fd) != 0) return errno_error("close", errno);
    return {};
  }

 private:
  int fd_;
};

// The directory that a file goes into, made where missing; kept open for the next file.
class Parents {
 public:
  explicit Parents(int root) : root_(root) {}

  Result<int> of(std::string_view name) {
    const std::size_t slash = name.rfind('/');
    if (slash == std::string_view::npos) return root_;
    const std::string_view path = name.substr(0, slash);
    if (!path_.empty() && path == path_) return current_.get();
    path_.clear();
    GW_CHECK(enter(path));
    path_ = path;
    return current_.get();
  }

 private:
  Status enter(std::string_view path) {
    current_.reset(-1);
    int at = root_;
    while (true) {
      const std::size_t slash = path.find('/');
      const std::string element(path.substr(0, slash));
      if (mkdirat(at, element.c_str(), 0755) != 0 && errno != EEXIST) {
        return errno_error("mkdir", errno);
      }
      const int fd = openat(at, element.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (fd < 0) return errno_error("open directory", errno);
      current_.reset(fd);
      at = fd;
      if (slash == std::string_view::npos) return {};
      path.remove_prefix(slash + 1);
    }
  }

  int root_;
  std::string path_;
  OpenFd current_{-1};
};

}  // namespace

Result<std::string> ModuleZip::unpack(int dir, const std::function<Status()>& before_each) {
  Hash1 all;
  Parents parents(dir);
  for (const ArchiveEntry& entry : archive_.entries()) {
    if (entry.name.ends_with('/')) GW_CHECK(all.add(entry.name, sha256("")));
  }
  for (const File& file : files_) {
    if (before_each) GW_CHECK(before_each());
    const ArchiveEntry& entry = archive_.entries()[file.entry];
    const auto context = [&](Error error) { return std::move(error).in(quoted(entry.name)); };
    auto parent = parents.of(file.name);
    if (!parent) return context(std::move(parent).error());
    OpenFd out(openat(*parent, std::string(last_element(file.name)).c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (out.get() < 0) return context(errno_error("create", errno));
    Sha256 content;
    GW_CHECK(read_entry(entry, [&](std::string_view bytes) {
      content.update(bytes);
      const int error = write_all(out.get(), bytes);
      return error == 0 ? Status() : errno_error("write", error);
    }));
    if (auto s = out.finish(); !s) return context(std::move(s).error());
    GW_CHECK(all.add(entry.name, content.finish()));
  }
  return all.finish();
}

}  // namespace gw::mod
