#include "os/user.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace gw::os {
namespace {

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};

// The files are read here because getpwnam() of a static binary would load the host's modules.
std::optional<User> find_user(const std::string& name) {
  File file(std::fopen("/etc/passwd", "re"));
  if (!file) return std::nullopt;
  while (const passwd* entry = ::fgetpwent(file.get())) {
    if (name == entry->pw_name) return User{entry->pw_uid, entry->pw_gid};
  }
  return std::nullopt;
}

std::vector<gid_t> groups_of(const std::string& name, gid_t primary) {
  std::vector<gid_t> groups = {primary};
  File file(std::fopen("/etc/group", "re"));
  if (!file) return groups;
  while (const group* entry = ::fgetgrent(file.get())) {
    for (char** member = entry->gr_mem; *member != nullptr; member++) {
      if (name == *member) groups.push_back(entry->gr_gid);
    }
  }
  return groups;
}

}  // namespace

Status become_user(const std::string& name) {
  const std::optional<User> user = find_user(name);
  if (!user) return usage_error(fmt::format("there is no user {} in /etc/passwd", name));
  if (::geteuid() == user->uid && ::getuid() == user->uid && ::getegid() == user->gid) return {};
  const std::vector<gid_t> groups = groups_of(name, user->gid);
  if (::setgroups(groups.size(), groups.data()) != 0 ||
      ::setresgid(user->gid, user->gid, user->gid) != 0 ||
      ::setresuid(user->uid, user->uid, user->uid) != 0) {
    return usage_error(fmt::format("becoming user {}: {}", name, std::strerror(errno)),
                       "--user needs to be started as root");
  }
  return {};
}

}  // namespace gw::os
