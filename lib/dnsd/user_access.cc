#include "dnsd/user_access.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "os/file.h"

namespace gw::dnsd {

Status require_access(const std::string& path, int mode, const std::string& user,
                      std::string_view what) {
  std::string asked = path;
  if (!os::file_exists(path)) {
    asked = std::filesystem::path(os::real_path(path)).parent_path().string();
    if (asked.empty()) asked.assign(1, '.');
    mode = W_OK | X_OK;
  }
  if (::faccessat(AT_FDCWD, asked.c_str(), mode, AT_EACCESS) == 0) return {};
  const bool write = (mode & W_OK) != 0;
  return usage_error(
      fmt::format("user {} may not {} {}, {}", user, write ? "write to" : "read", asked, what),
      fmt::format("chown {} {}, or give it to the user's group", user, asked));
}

}  // namespace gw::dnsd
