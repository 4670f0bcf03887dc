// A user of its own for a process of ours, without anybody having made one: a number that no line
// of /etc/passwd has, from those that systemd gives its dynamic users (61184 to 65519), and always
// the same for the same supervisor.
//
// Any thread. Sources: systemd's uids-gids, user_namespaces(7).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "os/user.h"

namespace gw::supervise {

// `seed` says for whom; none of `taken`. Nothing: we may not become another user, or this container
// has no such numbers.
std::optional<os::User> unnamed_user(const std::string& seed, const std::set<uid_t>& taken);

// Whether the number means somebody, by the text of /proc/self/uid_map. For tests.
bool is_mapped(std::string_view uid_map, std::uint64_t number);

}  // namespace gw::supervise
