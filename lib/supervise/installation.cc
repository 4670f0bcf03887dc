#include "supervise/installation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "base/text.h"
#include "build/builder.h"
#include "module/byte_source.h"

namespace gw::supervise {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel's
constexpr int kMaxNames = 100;
constexpr std::string_view kTemporary = ".new-";  // os/dir.h's
constexpr const char* kCapability = "security.capability";
constexpr const char* kLabel = "security.selinux";

struct Parts {
  std::string directory;
  std::string name;
};
Parts split_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// An extended attribute; nothing when there is none, or no such thing.
std::optional<std::string> attribute(int fd, const char* name) {
  std::array<char, 4096> value{};
  const ssize_t n = ::fgetxattr(fd, name, value.data(), value.size());
  if (n < 0) return std::nullopt;
  return std::string(value.data(), static_cast<std::size_t>(n));
}

bool is_unchanged(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

}  // namespace

Result<Hash> hash_of(int fd) {
  Sha256 hash;
  std::array<char, 65536> buffer{};
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading a binary", errno);
    if (n == 0) return hash.finish();
    hash.update({buffer.data(), static_cast<std::size_t>(n)});
    at += n;
  }
}

std::string base_name(const build::Key& key) {
  std::string_view path = key.dir.size() > 1 ? key.dir : key.module;
  const auto last = [&] { return path.substr(path.rfind('/') + 1); };
  std::string_view base = last();
  if (base.size() >= 2 && base[0] == 'v' && all_digits(base.substr(1)) && base != "v0" &&
      base != "v1" && path.size() > base.size() + 1) {
    path.remove_suffix(base.size() + 1);
    if (!last().empty()) base = last();
  }
  return std::string(base);
}

std::string file_name(const build::Key& key) {
  return fmt::format("{}-{}-{}{}", base_name(key), key.version, key.go_version,
                     key.stripped ? "-stripped" : "");
}

// ---- finding it ----

Result<Installation> Installation::find(const std::string& command) {
  if (command.find('/') == std::string::npos) {
    return usage_error(quoted(command) + ": a service is named by a path with a slash",
                       "write ./" + command);
  }
  Parts at = split_path(command);
  for (int links = 0; links <= kMaxLinks; ++links) {
    auto dir = os::Dir::open(at.directory);
    if (!dir) return std::move(dir).error().in(command);
    GW_TRY(const auto found, dir->find(at.name));
    if (!found) return not_found_error(command + ": no such file");
    if (S_ISREG(found->st_mode)) {
      return Installation(*std::move(dir), at.directory, at.name, at.name, false);
    }
    if (!S_ISLNK(found->st_mode)) return usage_error(command + ": not a file");
    GW_TRY(const std::string target, dir->read_link(at.name));
    if (target.find('/') == std::string::npos) {
      GW_TRY(const auto behind, dir->find(target));
      if (!behind) return not_found_error(fmt::format("{}: {} is not there", command, target));
      if (S_ISREG(behind->st_mode)) {
        return Installation(*std::move(dir), at.directory, at.name, target, true);
      }
      at.name = target;
    } else {
      at = split_path(target[0] == '/' ? target : fmt::format("{}/{}", at.directory, target));
    }
  }
  return usage_error(command + ": too many links");
}

std::string Installation::why_fixed() const {
  struct statvfs info {};
  if (::fstatvfs(dir_.fd(), &info) != 0) return errno_error(path_, errno).message;
  if ((info.f_flag & ST_RDONLY) != 0) return path_ + " is on a read-only file system";
  if ((info.f_flag & ST_NOEXEC) != 0) return path_ + " is on a file system without programs";
  if (::faccessat(dir_.fd(), ".", W_OK, AT_EACCESS) != 0) return path_ + " may not be written";
  return "";
}

std::string Installation::kept_name(const build::Key& key) const {
  if (is_link_) return current_;
  const std::string name = file_name(key);
  return name == link_ ? name + ".old" : name;
}

Result<os::Fd> Installation::open(const std::string& name) const {
  auto fd = dir_.open_file(name, O_RDONLY);
  if (!fd) return std::move(fd).error().in(path_);
  return fd;
}

std::string Installation::path_of(const std::string& name) const {
  return fmt::format("{}/{}", path_, name);
}

bool Installation::has(const std::string& name) const {
  const auto found = dir_.find(name);
  return found && *found && S_ISREG((*found)->st_mode);
}

Result<std::string> Installation::sum_of(const std::string& name) const {
  GW_TRY(const os::Fd fd, open(name));
  Seen now;
  if (::fstat(fd.get(), &now.info) != 0) return errno_error(path_of(name), errno);
  const auto seen = seen_.find(name);
  if (seen != seen_.end() && is_unchanged(seen->second.info, now.info)) return seen->second.sum;
  GW_TRY(const Hash hash, hash_of(fd.get()));
  now.sum = build::format_binary_sum(hash);
  return (seen_[name] = std::move(now)).sum;
}

// ---- a new binary ----

// What the binary that runs has. Owner before mode: a change of owner takes bits away, and
// capabilities after the last byte, as each write does, too. Set-uid never comes back.
Status Installation::take_after_current(int fd) const {
  GW_TRY(const os::Fd current, open(current_));
  const int old_fd = current.get();
  struct stat old {};
  if (::fstat(old_fd, &old) != 0) return errno_error(path_of(current_), errno);
  if ((old.st_uid != ::geteuid() || old.st_gid != ::getegid()) &&
      ::fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM) {
    return errno_error("the owner of a new binary", errno);
  }
  if (::fchmod(fd, old.st_mode & 0777U) != 0) return errno_error("the mode of a new binary", errno);
  if (const auto capability = attribute(old_fd, kCapability)) {
    if (::fsetxattr(fd, kCapability, capability->data(), capability->size(), 0) != 0) {
      return usage_error("the file's capabilities cannot be given to a new binary",
                         "give them to the process instead, with --ambient-capability");
    }
  }
  if (const auto label = attribute(old_fd, kLabel)) {
    // Where the policy decides, it has given the label already.
    (void)::fsetxattr(fd, kLabel, label->data(), label->size(), 0);
  }
  return {};
}

Result<std::unique_ptr<Incoming>> Installation::receive(const build::Key& key, std::uint64_t size,
                                                        std::string sum) const {
  if (const std::string why = why_fixed(); !why.empty()) return usage_error(why);
  auto file = dir_.new_file(0600);
  if (!file) return std::move(file).error().in(path_);
  if (size > 0) {
    if (const int error = ::posix_fallocate(file->fd(), 0, static_cast<off_t>(size)); error != 0) {
      return errno_error(fmt::format("{}: room for {} bytes", path_, size), error);
    }
  }
  return std::unique_ptr<Incoming>(
      new Incoming(*this, *std::move(file), key, size, std::move(sum)));
}

Status Incoming::write(std::string_view bytes) {
  if (bytes.size() > size_ - written_) {
    return untrusted_error(fmt::format("more than the {} bytes of the record", size_));
  }
  GW_CHECK(file_.write(bytes));
  hash_.update(bytes);
  written_ += bytes.size();
  return {};
}

Result<std::string> Incoming::finish() {
  if (written_ != size_) {
    return untrusted_error(fmt::format("{} bytes, not the {} of the record", written_, size_));
  }
  if (build::format_binary_sum(hash_.finish()) != sum_) {
    return untrusted_error("other bytes than the record has the sum of");
  }
  {
    GW_TRY(const mod::FdSource source, mod::FdSource::of(file_.fd()));
    if (auto same = build::check_binary(source, key_); !same) {
      return untrusted_error(same.error().message);
    }
  }
  GW_CHECK(installation_.take_after_current(file_.fd()));
  GW_TRY(const std::string name, installation_.free_name(file_name(key_), sum_, was_there_));
  if (was_there_) return name;
  if (auto published = file_.publish(name); !published) {
    return std::move(published).error().in(installation_.directory());
  }
  return name;
}

// The name, or one with a number behind it when something else has it. `same`: it is there already.
Result<std::string> Installation::free_name(const std::string& name, const std::string& sum,
                                            bool& same) const {
  for (int n = 1; n <= kMaxNames; ++n) {
    const std::string tried = n == 1 ? name : fmt::format("{}.{}", name, n);
    GW_TRY(const auto found, dir_.find(tried));
    if (!found) return tried;
    if (!S_ISREG(found->st_mode) || tried == link_) continue;
    GW_TRY(const std::string there, sum_of(tried));
    same = there == sum;
    if (same) return tried;
  }
  return io_error(path_of(name) + ": the name is taken, and a hundred others");
}

// ---- the switch ----

Status Installation::prepare(const std::string& name, const std::string& kept) {
  discard();
  if (!is_link_) {
    if (auto linked = dir_.link(current_, kept); !linked) {
      // Left by an earlier try: the same file.
      GW_TRY(const auto there, dir_.find(kept));
      GW_TRY(const auto own, dir_.find(current_));
      if (!there || !own || there->st_ino != own->st_ino || there->st_dev != own->st_dev) {
        return std::move(linked).error().in(path_);
      }
    }
  }
  const std::string made = fmt::format("{}{}", kTemporary, encode_hex(random_bytes(8)));
  if (auto linked = dir_.symlink(name, made); !linked) return std::move(linked).error().in(path_);
  prepared_ = made;
  prepared_for_ = name;
  // Both names are on the disk before the link is.
  if (auto synced = dir_.sync(); !synced) {
    discard();
    return std::move(synced).error().in(path_);
  }
  return {};
}

void Installation::discard() {
  if (!prepared_.empty()) (void)dir_.unlink(prepared_);
  prepared_.clear();
}

Status Installation::switch_to(const std::string& name, const std::string& kept) {
  if (prepared_.empty() || prepared_for_ != name) GW_CHECK(prepare(name, kept));
  if (auto moved = dir_.rename(prepared_, link_); !moved) {
    discard();
    return std::move(moved).error().in(path_);
  }
  // So it is from here on, whether or not it will be after a crash.
  prepared_.clear();
  is_link_ = true;
  current_ = name;
  if (auto synced = dir_.sync(); !synced) return std::move(synced).error().in(path_);
  return {};
}

Status Installation::remove(const std::string& name) const {
  if (name == link_ || name == current_) return {};
  // Another supervisor's service may run the same build by another link.
  GW_TRY(const auto entries, dir_.list());
  for (const os::Dir::Entry& entry : entries) {
    if (!entry.is_link) continue;
    if (const auto target = dir_.read_link(entry.name); target && *target == name) return {};
  }
  auto removed = dir_.unlink(name);
  if (!removed && removed.error().kind == ErrorKind::kNotFound) return {};
  return removed;
}

Status Installation::sweep(const std::vector<std::string>& known) const {
  GW_TRY(const auto entries, dir_.list());
  for (const os::Dir::Entry& entry : entries) {
    if (!entry.is_link || !entry.name.starts_with(kTemporary)) continue;
    GW_TRY(const std::string target, dir_.read_link(entry.name));
    if (std::find(known.begin(), known.end(), target) != known.end()) {
      GW_CHECK(dir_.unlink(entry.name));
    }
  }
  return {};
}

}  // namespace gw::supervise
