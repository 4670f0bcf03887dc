// Whose rights this process has.
#pragma once

#include <string>

#include "base/result.h"

namespace gw::os {

// Becomes this user of /etc/passwd, with the groups of /etc/group. kUsage: no such user, or not
// permitted. Does nothing when we are that user already.
Status become_user(const std::string& name);

}  // namespace gw::os
