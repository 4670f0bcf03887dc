#include "build/cache_trim.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "build/kept_packages.h"
#include "os/dir.h"
#include "os/unfinished.h"
#include "os/usage.h"

namespace gw::build {

namespace {

namespace trim_fs = std::filesystem;

constexpr std::string_view kTrimLock = ".lock";
constexpr std::int64_t kNanoseconds = 1'000'000'000;
// A time that is this near needs no other.
constexpr std::int64_t kFreshSeconds = 60;

struct Item {
  std::int64_t used = 0;  // nanoseconds since 1970
  std::uint64_t bytes = 0;
  std::function<Result<bool>()> remove;  // false: it is in use
};

std::int64_t time_of(const struct stat& info) {
  return info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec;
}

// A directory with a lock beside it. False: somebody uses it.
Result<bool> remove_locked(const os::Dir& top, const std::string& name) {
  const auto lock = top.lock(name + std::string(kTrimLock));
  if (!lock) return false;
  GW_CHECK(top.remove_tree(name));
  GW_CHECK(top.unlink(name + std::string(kTrimLock)));
  return true;
}

// Directories of `top`, each with the time of `file` in it, or of its lock.
Status add_directories(const os::Dir& top, const char* file, std::vector<Item>& items) {
  GW_TRY(const auto entries, top.list());
  for (const os::Dir::Entry& entry : entries) {
    if (!entry.is_directory) continue;
    const auto dir = top.open_dir(entry.name);
    if (!dir) continue;
    struct stat info {};
    const std::string clock = file != nullptr ? fmt::format("{}/{}", entry.name, file)
                                              : entry.name + std::string(kTrimLock);
    if (::fstatat(top.fd(), clock.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) info = {};
    items.push_back({time_of(info), os::directory_usage(*dir).bytes,
                     [&top, name = entry.name] { return remove_locked(top, name); }});
  }
  return {};
}

// All files below, or those of some names.
void add_files(const std::string& top, std::vector<Item>& items,
               bool (*wanted)(std::string_view name) = nullptr) {
  std::error_code failed;
  for (auto at = trim_fs::recursive_directory_iterator(top, failed);
       at != trim_fs::recursive_directory_iterator(); at.increment(failed)) {
    if (failed) return;
    if (wanted != nullptr && !wanted(at->path().filename().string())) continue;
    struct stat info {};
    const std::string path = at->path().string();
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    items.push_back(
        {time_of(info), static_cast<std::uint64_t>(info.st_blocks) * 512, [path]() -> Result<bool> {
           std::error_code error;
           trim_fs::remove(path, error);
           if (error) return io_error(fmt::format("{}: {}", path, error.message()));
           return true;
         }});
  }
}

// What calls that were killed left where nothing is trimmed. Whoever writes now has a young one.
void remove_unfinished(const std::string& top) {
  constexpr std::int64_t kOldSeconds = 3600;
  std::vector<Item> items;
  add_files(top, items, os::is_unfinished);
  struct timespec now {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  for (const Item& item : items) {
    // Best effort: it takes room, and nothing else.
    if (now.tv_sec - item.used / kNanoseconds > kOldSeconds) (void)item.remove();
  }
}

}  // namespace

Result<std::uint64_t> trim_cache(const std::string& cache, const CacheTrim& trim) {
  std::vector<Item> items;
  GW_TRY(const os::Dir top, os::Dir::open(cache));
  GW_TRY(const os::Dir toolchains, top.open_dir("toolchains"));
  GW_TRY(const os::Dir library, top.open_dir("std"));
  GW_TRY(const os::Dir packages, top.open_dir("packages"));
  GW_CHECK(add_directories(toolchains, nullptr, items));
  GW_CHECK(add_directories(library, kPackagesManifest, items));
  GW_CHECK(add_directories(packages, kPackagesManifest, items));
  add_files(cache + "/logs", items);
  // Before it is counted.
  for (const char* kept : {"/download", "/sumdb", "/first-seen"}) remove_unfinished(cache + kept);
  if (!trim.keep_modules) add_files(cache + "/download", items);
  std::uint64_t total = 0;
  for (const Item& item : items) total += item.bytes;
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return a.used < b.used; });
  std::optional<Error> failed;
  for (const Item& item : items) {
    if (total <= trim.max_bytes) break;
    const auto removed = item.remove();
    if (removed && *removed) total -= item.bytes;
    // The others are none the worse for it.
    if (!removed && !failed) failed = removed.error();
  }
  if (failed) return *std::move(failed);
  return total;
}

void touch_used(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return;
  struct timespec now {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec - info.st_mtim.tv_sec > kFreshSeconds) ::futimens(fd, nullptr);
}

}  // namespace gw::build
