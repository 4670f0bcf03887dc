#include "os/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"

namespace gw::os {

namespace {

constexpr std::size_t kMaxFile = 1U << 20;

// What the kernel says to it: 0 or an errno value.
int write_text(const std::string& path, std::string_view text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  return ::write(fd.get(), text.data(), text.size()) < 0 ? errno : 0;
}

// The value after `key` in a file of "key value" lines. Read from the descriptor, because poll(2)
// on one tells of changes since that one was read.
std::optional<std::uint64_t> value_of(const Fd& fd, std::string_view key) {
  std::string text(4096, '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') {
      return parse_decimal(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

Fd open_file(const std::string& path) { return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

}  // namespace

Result<std::string> Cgroup::own_directory() {
  GW_TRY(const std::string mounts, read_file("/proc/self/mounts", kMaxFile));
  GW_TRY(const std::string groups, read_file("/proc/self/cgroup", kMaxFile));
  std::string mount;
  for (std::string_view rest = mounts; mount.empty() && !rest.empty();) {
    const std::string_view line = take_line(rest);  // "DEVICE PLACE TYPE OPTIONS 0 0"
    const auto place = line.find(' ');
    const auto type = line.find(' ', place + 1);
    if (place == std::string_view::npos || type == std::string_view::npos) continue;
    if (!line.substr(type).starts_with(" cgroup2 ")) continue;
    mount = line.substr(place + 1, type - place - 1);
  }
  for (std::string_view rest = groups; !mount.empty() && !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (line == "0::/") return mount;
    if (line.starts_with("0::/")) return mount + std::string(line.substr(3));
  }
  return unavailable_error("there is no cgroup version 2 here");
}

Result<Cgroup> Cgroup::make(const std::string& parent, const std::string& name,
                            const Limits& limits) {
  // A controller that the parent does not pass on yet. What that gives is seen when the limit is
  // set.
  if (limits.memory_bytes) write_text(parent + "/cgroup.subtree_control", "+memory");
  if (limits.pids) write_text(parent + "/cgroup.subtree_control", "+pids");
  const std::string path = fmt::format("{}/{}", parent, name);
  if (::mkdir(path.c_str(), 0755) != 0) return errno_error("making " + path, errno);
  Fd procs(::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!procs) {
    const int error = errno;
    ::rmdir(path.c_str());
    return errno_error(fmt::format("opening {}/cgroup.procs", path), error);
  }
  Cgroup group(path, std::move(procs));
  if (limits.memory_bytes) {
    group.limit(SandboxPart::kMemoryLimit, "memory.max", *limits.memory_bytes);
    // Where there is no such file, there is no swap to be counted.
    if (file_exists(path + "/memory.swap.max")) {
      group.limit(SandboxPart::kMemoryLimit, "memory.swap.max", 0);
    }
  }
  if (limits.pids) group.limit(SandboxPart::kPidsLimit, "pids.max", *limits.pids);
  return group;
}

void Cgroup::limit(SandboxPart part, const char* file, std::uint64_t value) {
  const int error = write_text(fmt::format("{}/{}", path_, file), std::to_string(value));
  if (error != 0) refusals_.push_back({part, fmt::format("writing {}", file), error});
}

Cgroup::Cgroup(Cgroup&& o) noexcept
    : path_(std::exchange(o.path_, {})),
      procs_(std::move(o.procs_)),
      refusals_(std::move(o.refusals_)) {}

Cgroup::~Cgroup() {
  if (path_.empty()) return;
  [[maybe_unused]] const Status killed = kill();
  procs_.reset();
  ::rmdir(path_.c_str());
}

Status Cgroup::kill() {
  const Fd events = open_file(path_ + "/cgroup.events");
  if (!events) return errno_error(fmt::format("opening {}/cgroup.events", path_), errno);
  constexpr int kTries = 200;
  constexpr int kLookAgainMs = 50;
  for (int i = 0; i < kTries; ++i) {
    if (value_of(events, "populated").value_or(0) == 0) return {};
    if (write_text(path_ + "/cgroup.kill", "1") != 0) {  // before Linux 5.14
      const auto members = read_file(path_ + "/cgroup.procs", kMaxFile);
      std::istringstream pids(members.value_or(""));
      for (pid_t pid = 0; pids >> pid;) ::kill(pid, SIGKILL);
    }
    // The file's next change; the time limit is for those that are born meanwhile.
    pollfd change{events.get(), POLLPRI, 0};
    ::poll(&change, 1, kLookAgainMs);
  }
  return io_error(path_ + ": processes that do not end");
}

}  // namespace gw::os
