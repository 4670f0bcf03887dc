#include "os/usage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file_parts.h"

namespace gw::os {

namespace {

constexpr std::size_t kMaxProcFile = 1U << 20;
constexpr std::size_t kMaxProcesses = 65536;  // a picture of more is none
constexpr int kDeepest = 200;                 // each level holds a descriptor
constexpr std::uint64_t kEntryBytes = 4096;
constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks

// ---- processes ----

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  const DirStream dir(::opendir(directory.c_str()));
  if (!dir) return out;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] != '.') out.emplace_back(entry->d_name);
  }
  return out;
}

// The words of a file of /proc; none when it is gone.
std::vector<std::uint64_t> numbers_in(const std::string& path) {
  std::vector<std::uint64_t> out;
  const auto text = read_file(path, kMaxProcFile);
  if (!text) return out;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find_first_of(" \n"));
    if (const auto number = parse_decimal(word)) out.push_back(*number);
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return out;
}

using SeenFiles = std::set<std::pair<dev_t, ino_t>>;

void count_open(const std::string& process, SeenFiles& seen, TreeUsage& usage) {
  const std::string directory = process + "/fd";
  for (const std::string& name : names_in(directory)) {
    struct stat info {};
    if (::stat(fmt::format("{}/{}", directory, name).c_str(), &info) != 0) continue;
    if (!S_ISREG(info.st_mode) || info.st_nlink > 0) continue;
    if (!seen.emplace(info.st_dev, info.st_ino).second) continue;
    usage.nameless_bytes += static_cast<std::uint64_t>(info.st_blocks) * kBlockBytes;
  }
}

// "START-END PERMS OFFSET DEVICE INODE PATH (deleted)": as much as is mapped, the file itself is
// not to be had.
void count_mapped(const std::string& process, TreeUsage& usage) {
  const auto text = read_file(process + "/maps", kMaxProcFile);
  if (!text) return;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = take_line(rest);
    const auto dash = line.find('-');
    const auto space = line.find(' ');
    if (!line.ends_with(" (deleted)") || dash >= space) continue;
    const auto hex = [](std::string_view digits) {
      std::uint64_t out = 0;
      for (const char c : digits) {
        out = out * 16 + static_cast<std::uint64_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
      }
      return out;
    };
    usage.nameless_bytes +=
        hex(line.substr(dash + 1, space - dash - 1)) - hex(line.substr(0, dash));
  }
}

// ---- directories ----

// Whether what could not be looked at may be there all the same. That we have no descriptors left
// is not its doing.
bool is_hidden(int error) {
  return error != ENOENT && error != ENOTDIR && error != EMFILE && error != ENFILE;
}

void count_directory(const Fd& fd, int depth, DirectoryUsage& usage) {
  Fd own(::openat(fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) {
    // One that may be read, but not entered.
    if (is_hidden(errno)) usage.hidden = true;
    return;
  }
  const DirStream stream(::fdopendir(own.get()));
  if (!stream) return;
  static_cast<void>(own.release());
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat info {};
    if (::fstatat(fd.get(), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (is_hidden(errno)) usage.hidden = true;
      continue;
    }
    usage.bytes += static_cast<std::uint64_t>(info.st_blocks) * kBlockBytes + kEntryBytes;
    if (!S_ISDIR(info.st_mode)) continue;
    if (depth == kDeepest) {
      usage.hidden = true;
      continue;
    }
    const Fd below(
        ::openat(fd.get(), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below && is_hidden(errno)) usage.hidden = true;
    if (below) count_directory(below, depth + 1, usage);
  }
}

}  // namespace

TreeUsage tree_usage(pid_t top, bool files) {
  static const auto kPage = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  TreeUsage usage;
  SeenFiles seen;
  std::vector<std::uint64_t> open = {static_cast<std::uint64_t>(top)};
  std::set<std::uint64_t> known(open.begin(), open.end());
  while (!open.empty() && known.size() < kMaxProcesses) {
    const std::string process = fmt::format("/proc/{}", open.back());
    open.pop_back();
    for (const std::string& thread : names_in(process + "/task")) {
      ++usage.threads;
      for (const auto child : numbers_in(fmt::format("{}/task/{}/children", process, thread))) {
        if (known.insert(child).second) open.push_back(child);
      }
    }
    const auto pages = numbers_in(process + "/statm");  // size, resident, of files or shared, …
    if (pages.size() > 2 && pages[1] > pages[2]) {
      usage.memory_bytes += (pages[1] - pages[2]) * kPage;
    }
    if (!files) continue;
    count_open(process, seen, usage);
    count_mapped(process, usage);
  }
  return usage;
}

Status check_tree_usage() {
  const std::string path = fmt::format("/proc/{0}/task/{0}/children", ::getpid());
  if (::access(path.c_str(), R_OK) == 0) return {};
  return unavailable_error(fmt::format("{}: {}", path, std::strerror(errno)));
}

DirectoryUsage directory_usage(const Dir& dir) {
  DirectoryUsage usage;
  const Fd own(::openat(dir.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (own) count_directory(own, 0, usage);
  return usage;
}

Result<FreeSpace> free_space(const Dir& dir) {
  struct statvfs info {};
  if (::fstatvfs(dir.fd(), &info) != 0) return errno_error("fstatvfs", errno);
  return FreeSpace{static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize, info.f_favail};
}

}  // namespace gw::os
