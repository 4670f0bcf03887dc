#include "os/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::os {

namespace {

constexpr std::size_t kMaxGroupFile = 1U << 20;

// The value after `key` in a file of "key value" lines. Read from the descriptor, because poll(2)
// on one tells of changes since that one was read.
std::optional<std::uint64_t> group_value(const Fd& fd, std::string_view key) {
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

Fd open_group_file(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

Status kill_group(const std::string& path) {
  const Fd events = open_group_file(path + "/cgroup.events");
  if (!events) return errno_error(fmt::format("opening {}/cgroup.events", path), errno);
  constexpr int kTries = 200;
  constexpr int kLookAgainMs = 50;
  for (int i = 0; i < kTries; ++i) {
    if (group_value(events, "populated").value_or(0) == 0) return {};
    if (write_group_file(path + "/cgroup.kill", "1") != 0) {  // before Linux 5.14
      const std::string members = read_file(path + "/cgroup.procs", kMaxGroupFile).value_or("");
      for (const std::string_view member : split_words(members)) {
        // 0 is one that we cannot see.
        const auto pid = parse_decimal(member);
        if (pid && *pid > 0) ::kill(static_cast<pid_t>(*pid), SIGKILL);
      }
    }
    // The file's next change; the time limit is for those that are born meanwhile.
    pollfd change{events.get(), POLLPRI, 0};
    ::poll(&change, 1, kLookAgainMs);
  }
  return io_error(path + ": processes that do not end");
}

}  // namespace

// Closed, as whoever may open one could lock it.
int make_group_directory(const std::string& path) {
  return ::mkdir(path.c_str(), 0700) == 0 ? 0 : errno;
}

int write_group_file(const std::string& path, std::string_view text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  return ::write(fd.get(), text.data(), text.size()) < 0 ? errno : 0;
}

Result<Fd> lock_group(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return errno_error("opening " + path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return unavailable_error(path + ": somebody else has it");
    return errno_error("locking " + path, errno);
  }
  return fd;
}

bool remove_dead_group(const std::string& path, bool kill) {
  const auto lock = lock_group(path);
  if (!lock) return false;
  if (kill && !kill_group(path)) return false;
  return ::rmdir(path.c_str()) == 0;
}

Result<Cgroup> Cgroup::make(const std::string& parent, const std::string& name,
                            const Limits& limits, const MakeGroup& maker) {
  const std::string path = fmt::format("{}/{}", parent, name);
  if (const int error = maker(path); error != 0) {
    if (error == EEXIST) return usage_error(path + " exists");
    return errno_error("making " + path, error);
  }
  auto lock = lock_group(path);
  // Who removes what dead processes left may have come between.
  if (!lock) {
    return unavailable_error("making a control group: " + lock.error().message);
  }
  Fd procs(::openat(lock->get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
  if (!procs) {
    const int error = errno;
    if (error == ENOENT || error == ENODEV) return unavailable_error(path + " is gone again");
    ::rmdir(path.c_str());
    return errno_error(fmt::format("opening {}/cgroup.procs", path), error);
  }
  Cgroup group(path, *std::move(lock));
  group.procs_ = std::move(procs);
  group.set(limits);
  return group;
}

void Cgroup::set(const Limits& limits) {
  if (limits.memory_bytes) {
    memory_ = limit(SandboxPart::kMemoryLimit, "memory.max", *limits.memory_bytes);
    // Where there is no such file, there is no swap to be counted.
    if (memory_ && file_exists(path_ + "/memory.swap.max")) {
      limit(SandboxPart::kMemoryLimit, "memory.swap.max", 0);
    }
    // All of it or nothing ends: a program whose helpers disappear tells stories.
    if (memory_) limit(SandboxPart::kMemoryLimit, "memory.oom.group", 1);
  }
  if (limits.pids) pids_ = limit(SandboxPart::kPidsLimit, "pids.max", *limits.pids);
}

bool Cgroup::limit(SandboxPart part, const char* file, std::uint64_t value) {
  const int error = write_group_file(fmt::format("{}/{}", path_, file), std::to_string(value));
  if (error != 0) refusals_.push_back({part, fmt::format("writing {}", file), error});
  return error == 0;
}

Cgroup::Cgroup(Cgroup&& o) noexcept
    : path_(std::exchange(o.path_, {})),
      lock_(std::move(o.lock_)),
      procs_(std::move(o.procs_)),
      refusals_(std::move(o.refusals_)),
      memory_(o.memory_),
      pids_(o.pids_) {}

Cgroup::~Cgroup() {
  if (path_.empty()) return;
  [[maybe_unused]] const Status killed = kill();
  procs_.reset();
  ::rmdir(path_.c_str());
}

// Of memory, `oom` counts in the group whose limit it was, `oom_kill` in that of who was killed, be
// it for a limit further up or for the whole machine: only both together are ours.
Cgroup::Reached Cgroup::reached() const {
  Reached out;
  if (memory_) {
    const Fd events = open_group_file(path_ + "/memory.events");
    const auto count = [&](std::string_view key) { return group_value(events, key).value_or(0); };
    out.memory = count("oom") > 0 && (count("oom_kill") > 0 || count("oom_group_kill") > 0);
  }
  if (pids_) {
    out.pids = group_value(open_group_file(path_ + "/pids.events"), "max").value_or(0) > 0;
  }
  return out;
}

void Cgroup::plan_entry(CallList& early, Parts part) const {
  early.add({.what = "entering the cgroup",
             .number = SYS_write,
             .args = {procs_.get(), early.arg("0"), 1},
             .part = part});
}

Status Cgroup::kill() const { return kill_group(path_); }

}  // namespace gw::os
