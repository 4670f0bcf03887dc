#include "os/user.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file.h"

namespace gw::os {

namespace {

constexpr std::size_t kMaxUsersFile = 64U << 20;  // of a large site's users
constexpr const char* kPasswd = "/etc/passwd";
constexpr const char* kGroup = "/etc/group";
// setresuid(2) takes it for "leave it as it is".
constexpr std::uint64_t kNobodysNumber = 0xFFFFFFFF;

std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto n = parse_decimal(text);
  if (!n || *n >= kNobodysNumber) return std::nullopt;
  return static_cast<std::uint32_t>(*n);
}

// The fields of the first line whose first or third field is `name`.
std::vector<std::string_view> find_line(std::string_view file, std::string_view name) {
  const auto number = parse_id(name);
  while (!file.empty()) {
    auto fields = split(take_line(file), ':');
    if (fields.size() < 3 || fields[0].empty()) continue;
    if (fields[0] == name || (number && parse_id(fields[2]) == number)) return fields;
  }
  return {};
}

}  // namespace

Result<User> find_user_in(std::string_view passwd, std::string_view group, std::string_view name) {
  const auto fields = name.empty() ? std::vector<std::string_view>() : find_line(passwd, name);
  if (fields.empty()) return not_found_error(fmt::format("there is no user {}", quoted(name)));
  const auto uid = parse_id(fields[2]);
  const auto gid = fields.size() > 3 ? parse_id(fields[3]) : std::nullopt;
  if (fields.size() != 7 || !uid || !gid) {
    return corrupt_error(fmt::format("the line of user {} is not one of passwd(5)", quoted(name)));
  }
  User user{std::string(fields[0]), std::string(fields[5]), Identity{*uid, *gid, {*gid}}};
  auto& groups = user.identity.groups;
  while (!group.empty()) {
    const auto entry = split(take_line(group), ':');
    if (entry.size() != 4) continue;
    const auto members = split(entry[3], ',');
    const auto number = parse_id(entry[2]);
    if (number && std::find(members.begin(), members.end(), fields[0]) != members.end()) {
      groups.push_back(*number);
    }
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return user;
}

Result<gid_t> find_group_in(std::string_view group, std::string_view name) {
  if (const auto number = parse_id(name)) return *number;
  const auto fields = name.empty() ? std::vector<std::string_view>() : find_line(group, name);
  if (fields.empty()) return not_found_error(fmt::format("there is no group {}", quoted(name)));
  const auto gid = parse_id(fields[2]);
  if (!gid) {
    return corrupt_error(fmt::format("the line of group {} is not one of group(5)", quoted(name)));
  }
  return *gid;
}

Result<User> find_user(const std::string& name) {
  GW_TRY(const std::string passwd, read_file(kPasswd, kMaxUsersFile));
  const auto group = read_file(kGroup, kMaxUsersFile);
  if (!group && group.error().kind != ErrorKind::kNotFound) return group.error();
  auto user = find_user_in(passwd, group.value_or(""), name);
  if (!user) return std::move(user).error().in(kPasswd);
  return user;
}

Result<gid_t> find_group(const std::string& name) {
  GW_TRY(const std::string group, read_file(kGroup, kMaxUsersFile));
  auto gid = find_group_in(group, name);
  if (!gid) return std::move(gid).error().in(kGroup);
  return gid;
}

Result<Identity> current_identity() {
  uid_t uids[3];
  gid_t gids[3];
  ::getresuid(&uids[0], &uids[1], &uids[2]);
  ::getresgid(&gids[0], &gids[1], &gids[2]);
  if (uids[0] != uids[1] || uids[1] != uids[2] || gids[0] != gids[1] || gids[1] != gids[2]) {
    return internal_error("this process has different real, effective and saved users");
  }
  Identity who{uids[0], gids[0], {}};
  int count = ::getgroups(0, nullptr);
  who.groups.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  count = ::getgroups(count, who.groups.data());
  if (count < 0) return errno_error("getgroups", errno);
  who.groups.resize(static_cast<std::size_t>(count));
  std::sort(who.groups.begin(), who.groups.end());
  return who;
}

namespace {

// `name` is for messages.
Status become_named(const Identity& who, std::string_view name) {
  const auto before = current_identity();
  if (before && *before == who) return {};
  // The groups first: without root's rights they could not be given up any more. glibc's functions
  // do it in every thread.
  if (::setgroups(who.groups.size(), who.groups.data()) != 0 ||
      ::setresgid(who.gid, who.gid, who.gid) != 0 || ::setresuid(who.uid, who.uid, who.uid) != 0) {
    return usage_error(fmt::format("becoming user {}: {}", name, std::strerror(errno)),
                       "changing the user needs to be started as root");
  }
  GW_TRY(const Identity now, current_identity());
  if (now != who) return internal_error("the kernel changed the user only in part");
  if (who.uid != 0 && (::setresuid(0, 0, 0) == 0 || ::setresuid(who.uid, 0, who.uid) == 0)) {
    return internal_error("the way back to root is open");
  }
  return {};
}

}  // namespace

Status become(const Identity& who) { return become_named(who, std::to_string(who.uid)); }

Status become_owner_of_directory(const std::string& path) {
  if (::geteuid() != 0) return {};
  const auto directory = std::filesystem::path(real_path(path)).parent_path();
  struct stat info {};
  if (::stat(directory.empty() ? "." : directory.c_str(), &info) != 0 || info.st_uid == 0)
    return {};
  const auto user = find_user(std::to_string(info.st_uid));
  // A number alone is as good: nobody else has it.
  return become(user ? user->identity : Identity{info.st_uid, info.st_gid, {info.st_gid}});
}

Status become_user(const std::string& name) {
  auto user = find_user(name);
  if (!user && user.error().kind == ErrorKind::kNotFound) {
    return usage_error(fmt::format("there is no user {} in {}", name, kPasswd));
  }
  if (!user) return std::move(user).error();
  // Whoever started us as this user without the right to change groups has chosen them.
  if (::geteuid() == user->identity.uid && ::getuid() == user->identity.uid &&
      ::getegid() == user->identity.gid && !has_capability(CAP_SETGID)) {
    return {};
  }
  auto s = become_named(user->identity, name);
  if (!s && s.error().kind == ErrorKind::kUsage) {
    return usage_error(s.error().message, "--user needs to be started as root");
  }
  return s;
}

}  // namespace gw::os
