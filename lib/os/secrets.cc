#include "os/secrets.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>

#include "os/file_parts.h"

namespace gw::os {

namespace {

Status check_secret_stat(const struct stat& found, const std::string& path, SecretUse use) {
  if (S_ISDIR(found.st_mode)) return usage_error(path + ": is a directory, not a file");
  if (!S_ISREG(found.st_mode)) return usage_error(path + ": not a regular file");
  const bool group = use == SecretUse::kGroup;
  const mode_t refused = group ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((found.st_mode & refused) == 0) return {};
  const bool change = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const char* command = group ? "chmod 600 (or 640, for its group to read it)" : "chmod 600";
  return usage_error(fmt::format("{}: others may {} this secret", path, change ? "change" : "read"),
                     fmt::format("{} {}", command, path));
}

}  // namespace

Status check_secret_file(const std::string& path, SecretUse use) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) return check_secret_stat(found, path, use);
  if (errno == ENOENT || errno == ENOTDIR) return not_found_error(path + ": no such file");
  return errno_error("looking at " + path, errno);
}

Result<std::string> read_secret_file(const std::string& path, std::size_t max_bytes,
                                     SecretUse use) {
  GW_TRY(const Fd fd, open_regular_file(path));
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return errno_error("reading " + path, errno);
  GW_CHECK(check_secret_stat(found, path, use));
  return read_open_file(fd, path, max_bytes);
}

Status keep_out_of_cores() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error("PR_SET_DUMPABLE", errno);
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return errno_error("RLIMIT_CORE", errno);
  return {};
}

Result<bool> keep_memory_secret() {
  GW_CHECK(keep_out_of_cores());
  rlimit lock{};
  if (::getrlimit(RLIMIT_MEMLOCK, &lock) == 0) {
    lock.rlim_cur = lock.rlim_max;
    (void)::setrlimit(RLIMIT_MEMLOCK, &lock);
  }
  // What is touched later is locked then: this binary's pages are many, and most never used.
  return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

}  // namespace gw::os
