// Who a process is: users and groups by name, and giving privileges up for good.
//
// Names are looked up in /etc/passwd and /etc/group alone: a static binary's getpwnam() would load
// the host's name service modules. Directory services (LDAP, systemd-homed) are therefore not seen;
// numbers always work.
//
// Sources: credentials(7), capabilities(7), setresuid(2).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::os {

// What a process runs as. Three numbers that belong together: a user without its groups keeps the
// caller's, which is how services leak root's.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary ones, sorted, `gid` among them

  friend bool operator==(const Identity&, const Identity&) = default;
};

struct User {
  std::string name;
  std::string home;
  Identity identity;
};

// The user of that name, or of that number when `name` is one, with all groups that name it.
// kNotFound: no line has it; kCorrupt: its line is not one; kIo: the files cannot be read.
Result<User> find_user(const std::string& name);
// The number of a group of that name, or `name` itself when it is a number. Errors as find_user.
Result<gid_t> find_group(const std::string& name);

// The same over the text of files, in the form of passwd(5) and group(5).
Result<User> find_user_in(std::string_view passwd, std::string_view group, std::string_view name);
Result<gid_t> find_group_in(std::string_view group, std::string_view name);

// What this process is: real, effective and saved numbers must agree. kInternal when they do not.
Result<Identity> current_identity();

// Turns every thread of this process into `who`, for good, and looks whether that is so: all three
// numbers, the groups, and that there is no way back. Capabilities go with it, unless `who` is
// root. Does nothing when we are that already. kUsage: not permitted. Call it before the process
// has threads that must not see a moment in between.
Status become(const Identity& who);

// For who writes beside `path`: root becomes the owner of the directory that it is in, links
// followed, for good. Where another user may exchange the files that root opens, root must open
// none. Does nothing for who is not root, or when root owns the directory. kUsage: not permitted.
Status become_owner_of_directory(const std::string& path);

// become() by name, as --user has it. kUsage: no such user, or not permitted.
Status become_user(const std::string& name);

// ---- capabilities: numbers as in <linux/capability.h> ----

// "CAP_NET_BIND_SERVICE", "net_bind_service" or "10". kUsage names the nearest rule that it breaks.
Result<int> parse_capability(std::string_view text);
std::string capability_name(int capability);  // "cap_net_bind_service", or the number
// Whether this thread may use it now.
bool has_capability(int capability);
// The highest one that the kernel knows.
int last_capability();

// ---- resource limits ----

struct ResourceLimit {
  int resource = 0;  // RLIMIT_…
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};
constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

// "nofile=1024", "nofile=1024:4096", "core=0", "memlock=unlimited": systemd's names without Limit,
// any case. One number is both limits. kUsage.
Result<ResourceLimit> parse_resource_limit(std::string_view text);

}  // namespace gw::os
