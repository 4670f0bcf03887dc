#include "build/toolchain_hash.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/crypto.h"
#include "module/dirhash.h"
#include "module/zip.h"
#include "os/file.h"

namespace gw::build {

Status check_going(const os::Stop* stop) {
  if (stop == nullptr || !stop->requested()) return {};
  return unavailable_error("stopped");
}

namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 64;

// Toolchains have some ten thousand small files: the buffer is made once, by who goes through them.
// Not a thread's own, which the C library would fill with zeros for each thread of every command.
using FileBuffer = std::vector<char>;
FileBuffer file_buffer() { return FileBuffer(std::size_t{64} << 10U); }

Result<Hash> hash_file(int fd, FileBuffer& buffer, const os::Stop* stop) {
  Sha256 hash;
  while (true) {
    GW_CHECK(check_going(stop));
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading", errno);
    if (n == 0) return hash.finish();
    hash.update({buffer.data(), static_cast<std::size_t>(n)});
  }
}

bool is_executable(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && (info.st_mode & S_IXUSR) != 0;
}

Status walk(const os::Dir& dir, const std::string& prefix, int depth, const FileVisit& visit) {
  if (depth > kMaxDepth) return untrusted_error(prefix + ": too deep");
  GW_TRY(const auto entries, dir.list());
  for (const os::Dir::Entry& entry : entries) {
    const std::string name = prefix + entry.name;
    if (entry.is_link) return untrusted_error(name + ": a link");
    if (!entry.is_directory) {
      GW_CHECK(visit(dir, entry.name, name));
      continue;
    }
    GW_TRY(const os::Dir below, dir.open_dir(entry.name));
    GW_CHECK(walk(below, name + "/", depth + 1, visit));
  }
  return {};
}

}  // namespace

Status visit_files(const os::Dir& root, const FileVisit& visit) { return walk(root, "", 0, visit); }

bool is_program(std::string_view name) {
  if (name.starts_with("pkg/tool/")) return true;
  if (name.starts_with("bin/")) return name.find('/', 4) == std::string_view::npos;
  if (!name.starts_with("lib/")) return false;
  const std::size_t slash = name.find('/', 4);
  if (slash == std::string_view::npos) return false;
  // go_?*_?*_exec
  std::string_view base = name.substr(slash + 1);
  if (!base.starts_with("go_") || !base.ends_with("_exec") || base.size() < 9 ||
      base.find('/') != std::string_view::npos) {
    return false;
  }
  base = base.substr(3, base.size() - 8);
  const std::size_t between = base.find('_', 1);
  return between != std::string_view::npos && between + 1 < base.size();
}

Result<std::string> hash_toolchain(int dir, std::string_view prefix, const os::Stop* stop) {
  os::Fd own(::fcntl(dir, F_DUPFD_CLOEXEC, 0));
  if (!own) return errno_error("duplicating a directory", errno);
  const os::Dir root(std::move(own));
  mod::Hash1 hash;
  FileBuffer buffer = file_buffer();
  const FileVisit visit = [&](const os::Dir& in, const std::string& base,
                              const std::string& name) -> Status {
    GW_CHECK(check_going(stop));
    GW_TRY(const os::Fd fd, in.open_file(base, O_RDONLY));
    auto content = hash_file(fd.get(), buffer, stop);
    if (!content) return std::move(content).error().in(name);
    if (is_program(name) && !is_executable(fd.get())) {
      return untrusted_error(name + ": a program that cannot be run");
    }
    if (base != kGoMod) return hash.add(fmt::format("{}/{}", prefix, name), *content);
    const auto packed = in.read_file(std::string(kPackedGoMod), mod::kMaxSpecialFileBytes);
    // The module's own go.mod is of the zip; it says nothing to a toolchain that is unpacked.
    if (!packed && name == kGoMod) return hash.add(fmt::format("{}/{}", prefix, name), *content);
    if (!packed || sha256(*packed) != *content) {
      return untrusted_error(name + ": not a copy of its _go.mod");
    }
    return {};
  };
  GW_CHECK(visit_files(root, visit));
  return hash.finish();
}

namespace {

// The files that builds with a GOROOT may read, each with its name from the top. Links are
// followed: the files count, not where they are.
class GorootWalk {
 public:
  using File = std::function<Status(const fs::path& path, const std::string& name)>;
  explicit GorootWalk(File file) : file_(std::move(file)) {}
  Status run(const std::string& goroot) { return enter(goroot, "", 0); }

 private:
  static constexpr unsigned kMaxFiles = 100'000;  // of Go 1.26: 15,000
  static inline const std::set<std::string> kNotBuilt{".git", "api", "doc", "misc", "test"};

  Status enter(const fs::path& directory, const std::string& prefix, int depth) {
    if (depth > kMaxDepth || ++files_ > kMaxFiles) {
      return unavailable_error(directory.string() + ": too deep, or too many directories");
    }
    std::error_code failed;
    std::map<std::string, fs::file_status> entries;
    for (fs::directory_iterator i(directory, failed), end; !failed && i != end;
         i.increment(failed)) {
      std::error_code unknown;
      const auto status = entries.emplace(i->path().filename(), i->status(unknown)).first->second;
      if (unknown && status.type() != fs::file_type::not_found) {  // a link to nothing
        return io_error(fmt::format("{}: {}", i->path().string(), unknown.message()));
      }
    }
    if (failed) return io_error(fmt::format("{}: {}", directory.string(), failed.message()));
    for (const auto& [name, status] : entries) {
      if (depth == 0 && kNotBuilt.contains(name)) continue;
      if (fs::is_directory(status)) {
        GW_CHECK(enter(directory / name, fmt::format("{}{}/", prefix, name), depth + 1));
      } else if (fs::is_regular_file(status)) {
        if (++files_ > kMaxFiles) {
          return unavailable_error((directory / name).string() + ": too many files");
        }
        GW_CHECK(file_(directory / name, prefix + name));
      }
    }
    return {};
  }

  const File file_;
  unsigned files_ = 0;
};

}  // namespace

Result<std::string> hash_goroot(const std::string& goroot, const os::Stop* stop) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{4} << 30U;
  Sha256 hash;
  FileBuffer buffer = file_buffer();
  std::uint64_t bytes = 0;
  GorootWalk walk([&](const fs::path& path, const std::string& name) -> Status {
    const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return errno_error(path.string(), errno);
    bytes += static_cast<std::uint64_t>(info.st_size);
    if (bytes > kMaxBytes) return unavailable_error(path.string() + ": too large");
    auto content = hash_file(fd.get(), buffer, stop);
    if (!content) return std::move(content).error().in(path.string());
    hash.update(fmt::format("{}  {}{}\n", encode_hex(as_bytes(*content)),
                            is_executable(fd.get()) ? "*" : "", name));
    return {};
  });
  GW_CHECK(walk.run(goroot));
  return encode_hex(as_bytes(hash.finish()));
}

Result<GorootMark> mark_goroot(const std::string& goroot) {
  GorootMark out;
  Sha256 hash;
  GorootWalk walk([&](const fs::path& path, const std::string& name) -> Status {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return errno_error(path.string(), errno);
    hash.update(fmt::format("{}:{} {} {}.{} {}.{} {}\n", info.st_dev, info.st_ino, info.st_size,
                            info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                            info.st_ctim.tv_nsec, name));
    out.changed = std::max(out.changed, from_unix(info.st_ctim.tv_sec));
    return {};
  });
  GW_CHECK(walk.run(goroot));
  out.text = fmt::format("{} {}", goroot, encode_hex(as_bytes(hash.finish())));
  return out;
}

std::string KeptName::of(const Toolchain& toolchain) {
  constexpr std::chrono::seconds kTick{2};
  if (!toolchain.sum.empty()) return read_(toolchain);  // verified: no file is read
  // Before the files are: what changes meanwhile is seen the next time.
  const WallTime now = clock_.now();
  const auto mark = mark_goroot(toolchain.goroot);
  if (mark && !mark_.empty() && mark->text == mark_) return name_;
  name_ = read_(toolchain);
  mark_ = mark && !name_.empty() && mark->changed + kTick < now ? mark->text : "";
  return name_;
}

std::string kept_name(const Toolchain& toolchain, const os::Stop* stop) {
  if (!toolchain.sum.empty()) return toolchain.go_version;
  const auto hash = hash_goroot(toolchain.goroot, stop);
  return hash ? fmt::format("{}-{}", toolchain.go_version, hash->substr(0, 32)) : "";
}

}  // namespace gw::build
