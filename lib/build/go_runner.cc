#include "build/go_runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "build/go_sandbox.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/usage.h"

namespace gw::build {

namespace {

namespace fs = std::filesystem;
using os::SandboxPart;

constexpr std::string_view kGoDirectory = "/go";
constexpr std::string_view kWorkDirectory = "/build";
constexpr const char* kCache = "cache";
constexpr const char* kStdCache = "std";
constexpr std::uint64_t kMaxFile = std::uint64_t{4} << 30U;
// Above the limits that a guard keeps: these stop what grows between two of its looks.
constexpr std::uint64_t kDataAbove = std::uint64_t{1} << 30U;
// Of processes the kernel counts those of other calls of this program, too, whose builds are the
// same user's: far enough above that a build with many of them beside it is ended by its guard,
// which says why, and waits for none of theirs.
constexpr std::uint64_t kProcessesAbove = 512;
constexpr std::uint64_t kOpenFiles = 4096;

// Nothing in a build cache is of two targets.
std::string cache_name(const Key& key) {
  return fmt::format("{}-{}", key.target.goos, key.target.goarch);
}

}  // namespace

// ---- what the go command sees ----

Result<GoRunner> GoRunner::make(const RunnerOptions& options, Toolchain toolchain,
                                const std::string& work, const os::Stop& stop) {
  GoRunner out(options, std::move(toolchain), os::real_path(work), stop);
  if (out.mode_ != SandboxMode::kOff) GW_CHECK(out.probe());
  if (Status ready = out.prepare(); !ready) return std::move(ready).error().in(work);
  return out;
}

GoPlaces GoRunner::places() const {
  const bool root = mode_ != SandboxMode::kOff && granted(SandboxPart::kRoot);
  const std::string work = root ? std::string(kWorkDirectory) : work_;
  GoPlaces out;
  // With links it only works where it is.
  out.goroot = root && toolchain_.others.empty() ? std::string(kGoDirectory) : toolchain_.goroot;
  out.gopath = fmt::format("{}/out/{}", work, builds_);
  out.module_cache = work + "/mod";
  out.temporary = work + "/tmp";
  out.home = work + "/home";
  return out;
}

std::string GoRunner::output_directory() const {
  return fmt::format("{}/out/{}/bin", work_, builds_);
}

std::string GoRunner::host_path(std::string_view seen) const {
  const std::string below = std::string(kWorkDirectory) + "/";
  if (!seen.starts_with(below)) return std::string(seen);
  return fmt::format("{}/{}", work_, seen.substr(below.size()));
}

// The directory's own layout, owned by whoever builds.
Status GoRunner::prepare() {
  GW_TRY(const os::Dir work, os::Dir::open(work_));
  const auto give = [&](int at, const std::string& name) -> Status {
    if (!other_user_ || ::fchownat(at, name.c_str(), user_, user_,
                                   AT_SYMLINK_NOFOLLOW | (name.empty() ? AT_EMPTY_PATH : 0)) == 0) {
      return {};
    }
    return errno_error("chown of a build's directory", errno);
  };
  for (const char* name : {"out", "mod", kCache, kStdCache, "tmp", "home"}) {
    GW_TRY(const os::Dir made, work.make_dir(name, 0700));
    GW_CHECK(give(work.fd(), name));
  }
  GW_TRY(os::Dir at, work.open_dir("home"));
  std::string_view rest = kTelemetryMode;
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    const std::string name(rest.substr(0, slash));
    GW_TRY(os::Dir next, at.make_dir(name, 0755));
    GW_CHECK(give(at.fd(), name));
    at = std::move(next);
    rest.remove_prefix(slash + 1);
  }
  GW_TRY(os::NewFile file, at.new_file(0644));
  GW_CHECK(file.write("off"));
  GW_CHECK(file.replace(std::string(rest)));
  // It must get in, and see no sibling.
  return give(work.fd(), "");
}

Result<os::Dir> GoRunner::build_cache(const Key& key, bool std_only) const {
  auto made = make_build_cache(key, std_only);
  return made ? std::move(made) : std::move(made).error().in(work_);
}

Result<os::Dir> GoRunner::make_build_cache(const Key& key, bool std_only) const {
  GW_TRY(const os::Dir work, os::Dir::open(work_));
  GW_TRY(const os::Dir caches, work.open_dir(std_only ? kStdCache : kCache));
  // Whatever builds before could write, this one is not to have.
  if (std_only) GW_CHECK(caches.remove_tree(cache_name(key)));
  GW_TRY(os::Dir cache, caches.make_dir(cache_name(key), 0700));
  if (other_user_ && ::fchown(cache.fd(), user_, user_) != 0) {
    return errno_error("chown of a build cache", errno);
  }
  return cache;
}

Status GoRunner::give(const os::Dir& cache) const {
  if (!other_user_) return {};
  GW_TRY(const auto entries, cache.list());
  for (const os::Dir::Entry& entry : entries) {
    if (::fchownat(cache.fd(), entry.name.c_str(), user_, user_, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("chown in a build cache", errno);
    }
    if (!entry.is_directory) continue;
    GW_TRY(const os::Dir below, cache.open_dir(entry.name));
    GW_CHECK(give(below));
  }
  return {};
}

// ---- the sandbox ----

os::SandboxPolicy GoRunner::policy(bool fetches, int tell_to) const {
  const std::string seen = granted(SandboxPart::kRoot) ? std::string(kWorkDirectory) : work_;
  return go_policy({.toolchain = toolchain_,
                    .goroot = places().goroot,
                    .work = work_,
                    .seen_work = seen,
                    .proc = granted(SandboxPart::kProc),
                    .required = mode_ == SandboxMode::kFull,
                    .fetches = fetches,
                    .tell_to = tell_to});
}

os::Spawn GoRunner::spawn() const {
  const GoPlaces at = places();
  os::Spawn out;
  out.file = at.goroot + "/bin/go";
  out.directory = at.temporary;
  out.death_signal = SIGKILL;
  const auto limit = [&](int resource, std::uint64_t value) {
    out.limits.push_back({resource, value, value});
  };
  limit(RLIMIT_CORE, 0);
  if (mode_ == SandboxMode::kOff) return out;
  limit(RLIMIT_DATA, limits_.memory_bytes + kDataAbove);
  limit(RLIMIT_FSIZE, std::min(kMaxFile, limits_.disk_bytes));
  limit(RLIMIT_NOFILE, kOpenFiles);
  if (other_user_) out.identity = os::Identity{user_, user_, {user_}};
  // Elsewhere it would count all that the caller runs.
  const bool own = granted(SandboxPart::kUserNamespace) && counts_in_namespaces();
  if (other_user_ || (::geteuid() != 0 && own)) {
    limit(RLIMIT_NPROC, limits_.processes + kProcessesAbove);
  }
  return out;
}

// What the kernel grants, before anything depends on it.
Status GoRunner::probe() {
  // Root may still lack the right, or live where there is no such user.
  const bool root = ::geteuid() == 0;
  std::string no_user;
  other_user_ = root;
  if (root) {
    os::Spawn as = spawn();
    as.directory = "/";
    if (const auto tried = os::rehearse(std::move(as)); !tried) no_user = tried.error().message;
    other_user_ = no_user.empty();
  }
  // Paths are other ones without a root of its own: what is asked for with those counts then.
  for (int round = 0; round < 2; ++round) {
    os::Spawn as = spawn();
    as.directory = "/";
    GW_TRY(const os::HandOver channel, os::make_hand_over());
    GW_TRY(const os::Refusals refusals,
           os::probe_sandbox(policy(true, channel.child.get()), std::move(as)));
    lacks_.clear();
    refused_ = 0;
    for (const os::Refusal& refusal : refusals) {
      refused_ |= os::bit(refusal.part);
      lacks_.push_back(os::refusal_text(refusal));
    }
    if (granted(SandboxPart::kRoot)) break;
  }
  if (other_user_ && !granted(SandboxPart::kRoot) &&
      !(is_reachable(work_) && is_reachable(toolchain_.goroot))) {
    other_user_ = false;
    no_user = "the way to the cache is closed to others";
  }
  if (!no_user.empty()) lacks_.push_back("another user: " + no_user);
  const bool counted = groups_ != nullptr && groups_->limits_all();
  if (const auto counts = os::check_tree_usage(); !counts && !counted) {
    lacks_.push_back("limits of memory and processes: " + counts.error().message);
  }
  if (mode_ != SandboxMode::kFull || lacks_.empty()) return {};
  std::string all;
  for (const std::string& lack : lacks_) all += (all.empty() ? "" : "; ") + lack;
  return usage_error("the kernel refuses parts of the sandbox: " + all,
                     "--sandbox partial builds with what there is, --sandbox off without any");
}

// ---- running ----

Duration GoRunner::timeout() const {
  if (!deadline_) return limits_.time;
  return std::max<Duration>(*deadline_ - system_clock().mono(), Duration(1));
}

Result<GoRan> GoRunner::run(Command command, const Key& key) {
  const bool fetches = command.proxy.starts_with("http:");
  Forwarder* const isolated = command.isolated;
  GoPlaces at = places();
  at.proxy = std::move(command.proxy);
  at.build_cache = (fs::path(at.module_cache).parent_path() /
                    (command.std_only ? kStdCache : kCache) / cache_name(key))
                       .string();
  if (!command.std_only) {
    GW_TRY(const os::Dir cache, build_cache(key, false));
  }
  os::Spawn go = spawn();
  go.argv = std::move(command.argv);
  go.environment = go_environment(key, at);
  GW_TRY(auto group, groups_ != nullptr ? groups_->make(limits_) : std::optional<os::Cgroup>());
  os::Fd channel;
  std::optional<os::RefusedCalls> calls;
  os::Fd tell_to;
  if (mode_ != SandboxMode::kOff) {
    GW_TRY(os::HandOver telling, os::make_hand_over());
    tell_to = std::move(telling.child);
    calls.emplace(std::move(telling.ours), EPERM);
    os::SandboxPolicy sandbox = policy(fetches, tell_to.get());
    sandbox.cgroup = group ? &*group : nullptr;
    GW_CHECK(os::apply_sandbox(sandbox, go));
  } else if (group) {
    group->plan_entry(go.hook.early, 0);
  }
  if (isolated != nullptr) {
    GW_TRY(os::HandOver ends, os::make_hand_over());
    channel = std::move(ends.child);
    plan_listener(channel.get(), 0, go.hook.early);
    isolated->serve_from(std::move(ends.ours));
  }
  GW_TRY(os::Dir work, os::Dir::open(work_));
  return run_guarded({std::move(go), limits_, timeout(), std::move(work), std::move(calls),
                      std::move(group), command.progress},
                     *stop_);
}

Result<GoRan> GoRunner::fetch(const Key& key, Forwarder& forwarder) {
  deadline_ = system_clock().mono() + limits_.time;
  const bool isolated = mode_ != SandboxMode::kOff && granted(SandboxPart::kNetwork);
  if (isolated) {
    return run({fetch_arguments(key), fmt::format("http://127.0.0.1:{}", kProxyPort), &forwarder},
               key);
  }
  GW_TRY(const std::uint16_t port, forwarder.serve());
  return run({fetch_arguments(key), fmt::format("http://127.0.0.1:{}", port)}, key);
}

Result<GoRan> GoRunner::build(const Key& key, CompileProgress* progress) {
  ++builds_;
  auto ran = run({.argv = build_arguments(key),
                  .proxy = fmt::format("file://{}/cache/download", places().module_cache),
                  .progress = progress},
                 key);
  deadline_.reset();
  return ran;
}

Result<GoRan> GoRunner::compile_std(const Key& key, const std::vector<std::string>& packages,
                                    CompileProgress* progress) {
  return run(
      {.argv = std_arguments(packages), .proxy = "off", .std_only = true, .progress = progress},
      key);
}

}  // namespace gw::build
