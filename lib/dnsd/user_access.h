// May the user that the server became use a file? Asked before anything is served, rather than
// found out at the first reload.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::dnsd {

// kUsage, naming the user and what to do, unless this process may do so with `path`: access(2)'s
// mode, for the effective user. A file that does not exist is judged by its directory.
Status require_access(const std::string& path, int mode, const std::string& user,
                      std::string_view what);

}  // namespace gw::dnsd
