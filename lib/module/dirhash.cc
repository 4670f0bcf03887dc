#include "module/dirhash.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/bytes.h"
#include "module/byte_source.h"

namespace gw::mod {

namespace {

constexpr std::size_t kReadBytes = 64UL << 10U;

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

Result<Hash> hash_file(int fd) {
  GW_TRY(const FdSource source, FdSource::of(fd));
  std::string buffer(kReadBytes, '\0');
  Sha256 hash;
  for (std::uint64_t offset = 0;;) {
    GW_TRY(const std::size_t got, source.read_at(offset, buffer.data(), buffer.size()));
    if (got == 0) return hash.finish();
    hash.update(std::string_view(buffer).substr(0, got));
    offset += got;
  }
}

// Walks a tree without recursion, and with two descriptors open at most: a hostile depth costs
// nothing but path bytes, which the kernel bounds.
class DirectoryHash {
 public:
  DirectoryHash(int root, std::string_view prefix) : root_(root), prefix_(prefix) {}

  Result<std::string> run() {
    pending_.emplace_back();
    while (!pending_.empty()) {
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      if (auto s = read_directory(path); !s) return std::move(s).error().in(quoted(path));
    }
    return hash_.finish();
  }

 private:
  int open_below(const std::string& path, int flags) const {
    // O_NONBLOCK: a pipe in a file's place must not stop us.
    return openat(root_, path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  }

  Status read_directory(const std::string& path) {
    const int fd = open_below(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return errno_error("open", errno);
    const Dir dir(fdopendir(fd));
    if (dir == nullptr) {
      const int err = errno;
      close(fd);
      return errno_error("fdopendir", err);
    }
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(dir.get());  // NOLINT(concurrency-mt-unsafe): our own stream
      if (entry == nullptr) break;
      const std::string_view name = static_cast<const char*>(entry->d_name);
      if (name == "." || name == "..") continue;
      if (++count_ > kMaxModuleFiles) return untrusted_error("more files than a module may have");
      if (auto s = add(path.empty() ? std::string(name) : fmt::format("{}/{}", path, name)); !s) {
        return std::move(s).error().in(quoted(name));
      }
    }
    if (errno != 0) return errno_error("readdir", errno);
    return {};
  }

  Status add(std::string path) {
    struct stat st {};
    if (fstatat(root_, path.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat", errno);
    }
    if (S_ISDIR(st.st_mode)) {
      pending_.push_back(std::move(path));
      return {};
    }
    if (!S_ISREG(st.st_mode)) return untrusted_error("neither a regular file nor a directory");
    const int fd = open_below(path, O_RDONLY);
    if (fd < 0) return errno_error("open", errno);
    auto content = hash_file(fd);
    close(fd);
    if (!content) return std::move(content).error();
    return hash_.add(fmt::format("{}/{}", prefix_, path), *content);
  }

  int root_;
  std::string_view prefix_;
  std::vector<std::string> pending_;  // directories, from the root
  std::size_t count_ = 0;
  Hash1 hash_;
};

}  // namespace

Status Hash1::add(std::string name, const Hash& content) {
  if (name.find('\n') != std::string::npos) {
    return untrusted_error(fmt::format("file name {} has a line feed", quoted(name)));
  }
  files_.emplace_back(std::move(name), content);
  return {};
}

std::string Hash1::finish() {
  std::sort(files_.begin(), files_.end());
  Sha256 hash;
  for (const auto& [name, content] : files_) {
    hash.update(encode_hex(as_bytes(content))).update("  ").update(name).update("\n");
  }
  files_.clear();
  return "h1:" + encode_base64(as_bytes(hash.finish()));
}

std::string hash_gomod(std::string_view text) {
  Hash1 hash;
  (void)hash.add("go.mod", sha256(text));  // the name is a good one
  return hash.finish();
}

Result<std::string> hash_directory(int dir, std::string_view prefix) {
  return DirectoryHash(dir, prefix).run();
}

}  // namespace gw::mod
