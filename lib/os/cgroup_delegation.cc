#include "os/cgroup_delegation.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/text.h"
#include "os/file_parts.h"

namespace gw::os {

namespace {

constexpr std::size_t kMaxCgroupText = 1U << 20;
constexpr std::string_view kLeafPrefix = "gwtool-";
constexpr std::string_view kBuildPrefix = "build-";
constexpr int kMostNames = 1000;

// "gwtool-812", "build-812-1"; not "gwtool-builds.service".
bool is_name(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return !name.empty() && name.find_first_not_of("0123456789-") == std::string_view::npos;
}

bool is_marked(const std::string& path) {
  for (const char* name : {"trusted.delegate", "user.delegate"}) {
    std::array<char, 8> value{};
    const ssize_t n = ::getxattr(path.c_str(), name, value.data(), value.size());
    if (n == 1 && value[0] == '1') return true;
  }
  return false;
}

// An ordinary user's, and what matters in it, too.
bool is_own(const std::string& path) {
  const uid_t user = ::geteuid();
  if (user == 0) return false;
  for (const char* name : {"", "/cgroup.procs", "/cgroup.subtree_control"}) {
    const std::string at = path + name;
    struct stat info {};
    if (::stat(at.c_str(), &info) != 0 || info.st_uid != user || ::access(at.c_str(), W_OK) != 0) {
      return false;
    }
  }
  return true;
}

// Whether nobody but this process is in it.
bool is_alone(const std::string& path) {
  const auto members = read_file(path + "/cgroup.procs", kMaxCgroupText);
  return members && trim(*members) == std::to_string(::getpid());
}

}  // namespace

Result<CgroupPlace> own_cgroup() {
  GW_TRY(const std::string mounts, read_file("/proc/self/mounts", kMaxCgroupText));
  GW_TRY(const std::string groups, read_file("/proc/self/cgroup", kMaxCgroupText));
  CgroupPlace out;
  for (std::string_view rest = mounts; out.mount.empty() && !rest.empty();) {
    const auto words = split_words(take_line(rest));  // "DEVICE PLACE TYPE OPTIONS 0 0"
    if (words.size() > 2 && words[2] == "cgroup2") out.mount = words[1];
  }
  for (std::string_view rest = groups; !out.mount.empty() && !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (!line.starts_with("0::/")) continue;
    out.group = line.substr(3);
    return out;
  }
  return not_found_error("there is no cgroup version 2 here");
}

Result<std::optional<CgroupDelegation>> CgroupDelegation::take(CgroupPlace place) {
  std::optional<CgroupDelegation> out;
  if (place.group.empty() || place.group == "/") return out;
  const auto slash = place.group.rfind('/');
  // A leaf of ours, entered by whoever started this process, or before it replaced its program.
  const bool leaf = is_name(std::string_view(place.group).substr(slash + 1), kLeafPrefix);
  if (leaf) place.group.resize(slash);
  if (place.group.empty()) return out;
  const std::string path = place.mount + place.group;
  // Somebody's terminal is in a group of its user's as well, with others that would be in the way.
  if (!is_marked(path) && !(is_own(path) && (leaf || is_alone(path)))) return out;
  CgroupDelegation given(path, std::move(place.maker));
  given.remove_dead();
  if (!leaf) GW_CHECK(given.move_to_leaf());
  out.emplace(std::move(given));
  return out;
}

CgroupDelegation::CgroupDelegation(CgroupDelegation&& o) noexcept
    : path_(std::move(o.path_)),
      maker_(std::move(o.maker_)),
      leaf_(std::move(o.leaf_)),
      made_(o.made_.load()) {}

// What a dead process was in holds nobody; what it made may, if it had no time to end them.
void CgroupDelegation::remove_dead() const {
  const DirStream dir(::opendir(path_.c_str()));
  if (!dir) return;
  std::vector<std::string> names;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
  while (const dirent* entry = ::readdir(dir.get())) names.emplace_back(entry->d_name);
  for (const std::string& name : names) {
    const bool build = is_name(name, kBuildPrefix);
    if (build || is_name(name, kLeafPrefix))
      remove_dead_group(fmt::format("{}/{}", path_, name), build);
  }
}

Status CgroupDelegation::move_to_leaf() {
  for (int i = 0; i < kMostNames; ++i) {
    std::string path = fmt::format("{}/{}{}", path_, kLeafPrefix, ::getpid());
    if (i > 0) path += fmt::format("-{}", i);
    const int made = maker_(path);
    if (made == EEXIST) continue;
    if (made != 0) return errno_error("making " + path, made);
    auto lock = lock_group(path);
    if (!lock) continue;
    const int moved = write_group_file(path + "/cgroup.procs", "0");
    if (moved == ENOENT || moved == ENODEV) continue;  // removed before it was locked
    if (moved != 0) {
      ::rmdir(path.c_str());
      return errno_error(fmt::format("writing {}/cgroup.procs", path), moved);
    }
    leaf_ = *std::move(lock);
    return {};
  }
  return io_error(fmt::format("making a control group below {}: all names are taken", path_));
}

Status CgroupDelegation::give(const Identity& who) const {
  // Not limits: those are whoever's who gave it.
  for (const char* name : {"", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control"}) {
    const std::string path = path_ + name;
    if (::chown(path.c_str(), who.uid, who.gid) != 0 && errno != ENOENT) {
      return errno_error("chown of " + path, errno);
    }
  }
  return {};
}

Result<Cgroup> CgroupDelegation::make(const Cgroup::Limits& limits) const {
  // Each by itself, and again each time: one may be missing, another process may have been in the
  // way. What that gives is seen when the limit is set.
  const std::string control = path_ + "/cgroup.subtree_control";
  if (limits.memory_bytes) write_group_file(control, "+memory");
  if (limits.pids) write_group_file(control, "+pids");
  for (int i = 0; i < kMostNames; ++i) {
    auto group = Cgroup::make(path_, fmt::format("{}{}-{}", kBuildPrefix, ::getpid(), ++made_),
                              limits, maker_);
    if (group || group.error().kind == ErrorKind::kIo) return group;
  }
  return io_error(fmt::format("making a control group below {}: all names are taken", path_));
}

}  // namespace gw::os
