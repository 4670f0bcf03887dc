#include "supervise/paths.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <functional>
#include <vector>

#include "base/text.h"

namespace gw::supervise {
namespace {

constexpr int kMaxHops = 40;  // links, as the kernel has it

// A name on the way, and the directory that it is in.
struct Hop {
  std::string directory;
  struct stat directory_info {};
  struct stat info {};
};

// The parts of a path, in the order in which they are gone through, the last one first.
void push_parts(std::vector<std::string>& left, std::string_view path) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(path, '/')) {
    if (!part.empty() && part != ".") parts.emplace_back(part);
  }
  left.insert(left.end(), parts.rbegin(), parts.rend());
}

Result<std::string> absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  std::array<char, PATH_MAX> here{};
  if (::getcwd(here.data(), here.size()) == nullptr) return errno_error(path, errno);
  return fmt::format("{}/{}", here.data(), path);
}

// Calls `look` for each name of the path, links followed, and returns where it leads.
Result<std::string> go_along(const std::string& path,
                             const std::function<Status(const Hop&)>& look) {
  GW_TRY(const std::string whole, absolute(path));
  std::vector<std::string> left;
  push_parts(left, whole);
  std::string at;  // "" is the root
  int links = 0;
  while (!left.empty()) {
    const std::string name = std::move(left.back());
    left.pop_back();
    if (name == "..") {
      at.resize(at.empty() ? 0 : at.rfind('/'));
      continue;
    }
    Hop hop;
    hop.directory = at.empty() ? "/" : at;
    const std::string next = fmt::format("{}/{}", at, name);
    if (::stat(hop.directory.c_str(), &hop.directory_info) != 0 ||
        ::lstat(next.c_str(), &hop.info) != 0) {
      return errno_error(next, errno);
    }
    GW_CHECK(look(hop));
    if (!S_ISLNK(hop.info.st_mode)) {
      at = next;
      continue;
    }
    std::array<char, PATH_MAX> target{};
    const ssize_t n = ::readlink(next.c_str(), target.data(), target.size());
    if (n < 0) return errno_error(next, errno);
    if (++links > kMaxHops) return usage_error(path + ": too many links");
    const std::string_view text(target.data(), static_cast<std::size_t>(n));
    if (text.starts_with('/')) at.clear();
    push_parts(left, text);
  }
  return at.empty() ? "/" : at;
}

// The three bits of the mode that are his.
mode_t bits_of(const os::Identity& who, const struct stat& info) {
  if (info.st_uid == who.uid) return info.st_mode >> 6U & 7U;
  if (std::binary_search(who.groups.begin(), who.groups.end(), info.st_gid)) {
    return info.st_mode >> 3U & 7U;
  }
  return info.st_mode & 7U;
}

// Its owner may give himself whatever the mode lacks.
bool may_write(const os::Identity& who, const struct stat& info) {
  return info.st_uid == who.uid || (bits_of(who, info) & 2U) != 0;
}

bool may_exchange(const os::Identity& who, const Hop& hop) {
  if (!may_write(who, hop.directory_info)) return false;
  const bool sticky = (hop.directory_info.st_mode & S_ISVTX) != 0;
  return !sticky || hop.directory_info.st_uid == who.uid || hop.info.st_uid == who.uid;
}

Error not_his(const os::User& user, const std::string& path, const std::string& directory) {
  return usage_error(fmt::format("{}: {} may be written by user {}", path, directory, user.name),
                     "it could exchange what is then run and changed as root: give the directory "
                     "to root");
}

}  // namespace

Status check_way(const os::User& user, const std::string& path) {
  if (user.identity.uid == 0) return {};
  GW_TRY([[maybe_unused]] const std::string at, go_along(path, [&](const Hop& hop) -> Status {
           if (may_exchange(user.identity, hop)) return not_his(user, path, hop.directory);
           return {};
         }));
  return {};
}

Status check_not_writable(const os::User& user, const std::string& directory) {
  if (user.identity.uid == 0) return {};
  GW_CHECK(check_way(user, directory));
  GW_TRY(const std::string at, go_along(directory, [](const Hop&) { return Status(); }));
  struct stat info {};
  if (::stat(at.c_str(), &info) != 0) return errno_error(at, errno);
  if (may_write(user.identity, info)) return not_his(user, directory, at);
  return {};
}

Status check_reachable(const os::User& user, const std::string& directory) {
  if (user.identity.uid == 0) return {};
  const auto enter = [&](const std::string& name, const struct stat& info) -> Status {
    if ((bits_of(user.identity, info) & 1U) != 0) return {};
    return usage_error(fmt::format("{}: user {} may not go through {}", directory, user.name, name),
                       "every directory above the service must be executable for it");
  };
  GW_TRY(const std::string at, go_along(directory, [&](const Hop& hop) {
           return enter(hop.directory, hop.directory_info);
         }));
  struct stat info {};
  if (::stat(at.c_str(), &info) != 0) return errno_error(at, errno);
  return enter(at, info);
}

}  // namespace gw::supervise
