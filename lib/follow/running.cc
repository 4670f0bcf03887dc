#include "follow/running.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file.h"

namespace gw::follow {

namespace {

constexpr std::size_t kMostLockText = 32;
constexpr std::size_t kMostStatus = std::size_t{64} << 10;

// Whether somebody holds it: the file stays when nobody does.
bool is_locked(int fd) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

std::optional<Running> find_running(const std::string& db) {
  const std::string file = os::real_path(db) + ".lock";
  const auto fd = os::open_regular_file(file);
  if (!fd || !is_locked(fd->get())) return std::nullopt;
  const auto text = os::read_regular_file(file, kMostLockText);
  const auto pid = text ? parse_decimal(trim(*text)) : std::nullopt;
  if (!pid || *pid == 0 || *pid > 0x7fffffff) return std::nullopt;
  const auto status = os::read_file(fmt::format("/proc/{}/status", *pid), kMostStatus);
  if (!status) return std::nullopt;
  Running out;
  out.pid = static_cast<pid_t>(*pid);
  for (std::string_view rest = *status; !rest.empty();) {
    const auto words = split_words(take_line(rest));
    if (words.size() < 2) continue;
    if (words[0] == "NoNewPrivs:") out.no_new_privs = words[1] == "1";
    if (words[0] == "Seccomp:") out.seccomp = words[1] == "2";
    if (words[0] == "CapBnd:") {
      out.bounding_set_empty = words[1].find_first_not_of('0') == std::string_view::npos;
    }
  }
  return out;
}

std::string format_running(const Running& running) {
  const auto on = [](bool is) { return is ? "on" : "off"; };
  return fmt::format("follower: process {}, no_new_privs {}, seccomp {}, bounding set {}",
                     running.pid, on(running.no_new_privs), on(running.seccomp),
                     running.bounding_set_empty ? "empty" : "not empty");
}

Json running_json(const Running& running) {
  return {{"pid", running.pid},
          {"no_new_privs", running.no_new_privs},
          {"bounding_set_empty", running.bounding_set_empty},
          {"seccomp", running.seccomp}};
}

}  // namespace gw::follow
