#include "os/dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/bytes.h"
#include "base/crypto.h"
#include "os/file_parts.h"
#include "os/open_beneath.h"
#include "os/unfinished.h"

namespace gw::os {

namespace {

Error error_of(const std::string& what, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return not_found_error(what + ": no such file or directory");
    case EEXIST:
      return usage_error(what + ": already exists");
    case ELOOP:
    case EXDEV:
      return untrusted_error(what + ": a link, or leads out of its directory");
    default:
      return errno_error(what, error);
  }
}

Status check_name(const std::string& name) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
  if (plain) return {};
  return usage_error(fmt::format("{}: not a file's name", quoted(name)));
}

Result<Fd> open_path(int at, const std::string& path, int flags, mode_t mode, Resolve resolve) {
  if (path.find('\0') != std::string::npos) return usage_error("a path with a zero byte");
  const int fd = open_resolved(at, path, flags, mode, resolve);
  if (fd >= 0) return Fd(fd);
  // No file has such a name.
  if (fd == -ENAMETOOLONG && (flags & O_CREAT) == 0) {
    Error error = errno_error("opening " + path, ENAMETOOLONG);
    error.kind = ErrorKind::kNotFound;
    return error;
  }
  return error_of("opening " + path, -fd);
}

std::string aside() { return std::string(kUnfinished) + encode_hex(random_bytes(8)); }

}  // namespace

Result<Dir> Dir::open(const std::string& path) {
  GW_TRY(Fd fd, open_path(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, Resolve::kAny));
  return Dir(std::move(fd));
}

Result<Dir> Dir::open_without_links(const std::string& path) {
  GW_TRY(Fd fd, open_path(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, Resolve::kNoLinks));
  return Dir(std::move(fd));
}

Result<Fd> Dir::open_beneath(const std::string& path, int flags, mode_t mode) const {
  return open_path(fd(), path, flags, mode, Resolve::kBeneath);
}

Result<Dir> Dir::open_dir(const std::string& path) const {
  GW_TRY(Fd fd, open_beneath(path, O_RDONLY | O_DIRECTORY, 0));
  return Dir(std::move(fd));
}

Result<Fd> Dir::open_file(const std::string& path, int flags, mode_t mode) const {
  return open_beneath(path, flags, mode);
}

Result<std::string> Dir::read_file(const std::string& path, std::size_t max_bytes) const {
  // A named pipe would wait for a writer.
  GW_TRY(const Fd fd, open_beneath(path, O_RDONLY | O_NONBLOCK, 0));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error("reading " + path, errno);
  if (!S_ISREG(info.st_mode)) return io_error(path + ": not a regular file");
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading " + path, errno);
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > max_bytes) {
      return io_error(fmt::format("{}: larger than {} bytes", path, max_bytes));
    }
  }
}

Result<Dir> Dir::make_dir(const std::string& name, mode_t mode) const {
  GW_CHECK(check_name(name));
  if (::mkdirat(fd(), name.c_str(), mode) != 0 && errno != EEXIST) {
    return error_of("making " + name, errno);
  }
  return open_dir(name);
}

Result<std::optional<struct stat>> Dir::find(const std::string& name) const {
  GW_CHECK(check_name(name));
  struct stat info {};
  if (::fstatat(fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return std::optional(info);
  if (errno == ENOENT) return std::optional<struct stat>();
  return error_of("looking at " + name, errno);
}

Result<std::string> Dir::read_link(const std::string& name) const {
  GW_CHECK(check_name(name));
  std::array<char, PATH_MAX + 1> target;
  const ssize_t n = ::readlinkat(fd(), name.c_str(), target.data(), target.size());
  if (n < 0) return error_of("reading the link " + name, errno);
  return std::string(target.data(), static_cast<std::size_t>(n));
}

namespace {

// In no order; *more: there are more than `max`.
Result<std::vector<Dir::Entry>> read_entries(const Dir& dir, std::size_t max, bool* more) {
  // One of its own: reading moves the position.
  Fd own(::openat(dir.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) return errno_error("reading a directory", errno);
  const DirStream stream(::fdopendir(own.get()));
  if (!stream) return errno_error("reading a directory", errno);
  static_cast<void>(own.release());
  std::vector<Dir::Entry> entries;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) return errno_error("reading a directory", errno);
    if (entry == nullptr) return entries;
    Dir::Entry found{entry->d_name, entry->d_type == DT_DIR, entry->d_type == DT_LNK};
    if (found.name == "." || found.name == "..") continue;
    if (entry->d_type == DT_UNKNOWN) {
      GW_TRY(const auto info, dir.find(found.name));
      if (!info) continue;
      found.is_directory = S_ISDIR(info->st_mode);
      found.is_link = S_ISLNK(info->st_mode);
    }
    if (entries.size() == max) {
      *more = true;
      return entries;
    }
    entries.push_back(std::move(found));
  }
}

}  // namespace

Result<std::vector<Dir::Entry>> Dir::list(std::size_t max) const {
  bool more = false;
  GW_TRY(auto entries, read_entries(*this, max, &more));
  if (more) return io_error(fmt::format("a directory of more than {}", max));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Status Dir::rename(const std::string& from, const std::string& to) const {
  GW_CHECK(check_name(from));
  GW_CHECK(check_name(to));
  if (::renameat(fd(), from.c_str(), fd(), to.c_str()) == 0) return {};
  return error_of(fmt::format("renaming {} to {}", from, to), errno);
}

Status Dir::rename_new(const std::string& from, const std::string& to) const {
  GW_CHECK(check_name(from));
  GW_CHECK(check_name(to));
  if (::renameat2(fd(), from.c_str(), fd(), to.c_str(), RENAME_NOREPLACE) == 0) return {};
  return error_of(fmt::format("renaming {} to {}", from, to), errno);
}

Status Dir::link(const std::string& from, const std::string& to) const {
  GW_CHECK(check_name(from));
  GW_CHECK(check_name(to));
  if (::linkat(fd(), from.c_str(), fd(), to.c_str(), 0) == 0) return {};
  return error_of(fmt::format("linking {} to {}", from, to), errno);
}

Status Dir::symlink(const std::string& target, const std::string& name) const {
  GW_CHECK(check_name(name));
  if (::symlinkat(target.c_str(), fd(), name.c_str()) == 0) return {};
  return error_of("making the link " + name, errno);
}

Status Dir::unlink(const std::string& name) const {
  GW_CHECK(check_name(name));
  if (::unlinkat(fd(), name.c_str(), 0) == 0) return {};
  return error_of("removing " + name, errno);
}

Status Dir::sync() const {
  if (::fsync(fd()) != 0) return errno_error("fsync of a directory", errno);
  return {};
}

namespace {

// A file that was removed while we waited for its lock locks out nobody: the next one's is another.
Result<Fd> take_lock(const Dir& dir, const std::string& name, int how) {
  while (true) {
    GW_TRY(Fd fd, dir.open_file(name, O_RDWR | O_CREAT, 0600));
    while (::flock(fd.get(), how) != 0) {
      if (errno == EWOULDBLOCK) return unavailable_error(name + ": somebody else holds it");
      if (errno != EINTR) return errno_error("locking " + name, errno);
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return errno_error("locking " + name, errno);
    if (info.st_nlink > 0) return fd;
  }
}

}  // namespace

Result<Fd> Dir::lock(const std::string& name) const {
  GW_CHECK(check_name(name));
  return take_lock(*this, name, LOCK_EX | LOCK_NB);
}

Result<Fd> Dir::lock_shared(const std::string& name) const {
  GW_CHECK(check_name(name));
  return take_lock(*this, name, LOCK_SH);
}

namespace {

constexpr int kDeepestRemoved = 100;  // each level holds a descriptor
constexpr std::size_t kRemovedAtOnce = 4096;

// Removes a tree that a stranger may have made: of any depth and width, with directories that may
// neither be read nor written.
class Remover {
 public:
  explicit Remover(dev_t device) : device_(device) {}

  Status remove(const Dir& dir, const std::string& name, bool is_directory) {
    return remove_entry(dir, name, is_directory, 0);
  }

 private:
  Status remove_entry(const Dir& dir, const std::string& name, bool is_directory, int depth) {
    if (is_directory && depth == kDeepestRemoved) return move_up(dir, name);
    if (is_directory) {
      constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
      Fd fd(::openat(dir.fd(), name.c_str(), kFlags));
      if (!fd && errno == EACCES && open_up(dir, name)) {
        fd = Fd(::openat(dir.fd(), name.c_str(), kFlags));
      }
      if (!fd) return error_of("opening " + name, errno);
      const Dir below(std::move(fd));
      if (depth == 0) top_ = &below;
      if (auto s = remove_contents(below, depth + 1); !s) return std::move(s).error().in(name);
    }
    const int flags = is_directory ? AT_REMOVEDIR : 0;
    if (::unlinkat(dir.fd(), name.c_str(), flags) == 0 || errno == ENOENT) return {};
    // The directory may not be written: its owner may say otherwise.
    if (errno == EACCES && ::fchmod(dir.fd(), 0700) == 0 &&
        ::unlinkat(dir.fd(), name.c_str(), flags) == 0) {
      return {};
    }
    return error_of("removing " + name, errno);
  }

  static bool open_up(const Dir& dir, const std::string& name) {
    // Not through a link: what is a directory now may be one by the time.
    const Fd fd(::openat(dir.fd(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return fd && ::chmod(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), 0700) == 0;
  }

  // What is too deep lies in the first level then.
  Status move_up(const Dir& dir, const std::string& name) {
    const std::string to = aside();
    (void)::fchmod(dir.fd(), 0700);
    // A directory that is moved gets another parent, and so must be writable itself.
    (void)open_up(dir, name);
    if (::renameat(dir.fd(), name.c_str(), top_->fd(), to.c_str()) != 0) {
      return error_of("moving " + name, errno);
    }
    moved_ = true;
    return {};
  }

  Status remove_contents(const Dir& dir, int depth) {
    struct stat info {};
    if (::fstat(dir.fd(), &info) != 0) return errno_error("looking at a directory", errno);
    if (info.st_dev != device_) return io_error("another file system is mounted there");
    // One that may be read need not be one that may be entered.
    if ((info.st_mode & S_IRWXU) != S_IRWXU) (void)::fchmod(dir.fd(), S_IRWXU);
    while (true) {
      bool more = false;
      GW_TRY(const auto entries, read_entries(dir, kRemovedAtOnce, &more));
      for (const Dir::Entry& entry : entries) {
        GW_CHECK(remove_entry(dir, entry.name, entry.is_directory, depth));
      }
      if (depth == 1) more = std::exchange(moved_, false) || more;
      if (!more) return {};
    }
  }

  const dev_t device_;
  const Dir* top_ = nullptr;  // the tree's own
  bool moved_ = false;
};

}  // namespace

Status Dir::remove_tree(const std::string& name) const {
  GW_TRY(const auto found, find(name));
  if (!found) return {};
  struct stat self {};
  if (::fstat(fd(), &self) != 0) return errno_error("looking at a directory", errno);
  return Remover(self.st_dev).remove(*this, name, S_ISDIR(found->st_mode));
}

// ---- new files ----

Result<NewFile> Dir::new_file(mode_t mode) const {
  Fd dir(::openat(fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return errno_error("opening a directory", errno);
  Fd fd(::openat(dir.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  std::string name;
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    name = aside();
    fd = Fd(::openat(dir.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  }
  if (!fd) return errno_error("making a file", errno);
  NewFile file(std::move(dir), std::move(fd), std::move(name));
  // Whatever the umask says.
  if (::fchmod(file.fd(), mode) != 0) return errno_error("chmod of a new file", errno);
  return file;
}

NewFile::NewFile(NewFile&& o) noexcept
    : dir_(std::move(o.dir_)), fd_(std::move(o.fd_)), name_(std::exchange(o.name_, {})) {}

NewFile::~NewFile() {
  if (!name_.empty()) ::unlinkat(dir_.get(), name_.c_str(), 0);
}

Status NewFile::write(std::string_view data) const {
  const int error = write_all(fd_.get(), data);
  return error == 0 ? Status() : errno_error("writing a new file", error);
}

Status NewFile::link_as(const std::string& name) {
  if (!fd_) return internal_error("a file that was published");
  if (::fsync(fd_.get()) != 0) return errno_error("fsync of " + name, errno);
  int r = 0;
  if (!name_.empty()) {
    r = ::linkat(dir_.get(), name_.c_str(), dir_.get(), name.c_str(), 0);
  } else {
    // By the descriptor itself newer kernels allow to whoever opened it, older ones to root.
    r = ::linkat(fd_.get(), "", dir_.get(), name.c_str(), AT_EMPTY_PATH);
    if (r != 0 && errno == ENOENT) {
      const std::string path = fmt::format("/proc/self/fd/{}", fd_.get());
      r = ::linkat(AT_FDCWD, path.c_str(), dir_.get(), name.c_str(), AT_SYMLINK_FOLLOW);
    }
  }
  if (r != 0) return error_of("naming " + name, errno);
  if (::close(fd_.release()) != 0) return errno_error("closing " + name, errno);
  if (!name_.empty()) ::unlinkat(dir_.get(), name_.c_str(), 0);
  name_.clear();
  return {};
}

Status NewFile::publish(const std::string& name) {
  GW_CHECK(check_name(name));
  GW_CHECK(link_as(name));
  if (::fsync(dir_.get()) != 0) return errno_error("fsync of a directory", errno);
  return {};
}

Status NewFile::replace(const std::string& name) {
  GW_CHECK(check_name(name));
  // A device or a pipe of that name is no file to be replaced, though root could.
  struct stat there {};
  if (::fstatat(dir_.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode)) {
    return usage_error(name + ": exists, and is no file");
  }
  const std::string made = aside();
  GW_CHECK(link_as(made));
  if (::renameat(dir_.get(), made.c_str(), dir_.get(), name.c_str()) != 0) {
    const int error = errno;
    ::unlinkat(dir_.get(), made.c_str(), 0);
    return error_of("naming " + name, error);
  }
  if (::fsync(dir_.get()) != 0) return errno_error("fsync of a directory", errno);
  return {};
}

}  // namespace gw::os
