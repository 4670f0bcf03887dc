#include "build/go_runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "os/dir.h"
#include "os/file.h"

namespace gw::build {

namespace {

namespace fs = std::filesystem;
using os::SandboxPart;

constexpr std::string_view kGoDirectory = "/go";
constexpr std::string_view kWorkDirectory = "/build";
constexpr const char* kCache = "cache";
constexpr const char* kStdCache = "std";
constexpr std::string_view kHostName = "build";
constexpr std::uint16_t kPort = 8080;  // of an interface where nobody else is
constexpr std::uint64_t kMaxData = std::uint64_t{8} << 30U;
constexpr std::uint64_t kMaxFile = std::uint64_t{4} << 30U;
constexpr std::uint64_t kMaxProcesses = 1024;  // threads count, too

// Nothing that a compiler needs, and each a way around the rest.
const std::vector<std::string>& denied_calls() {
  static const std::vector<std::string> calls = {"add_key",
                                                 "bpf",
                                                 "kcmp",
                                                 "keyctl",
                                                 "open_by_handle_at",
                                                 "perf_event_open",
                                                 "process_vm_readv",
                                                 "process_vm_writev",
                                                 "ptrace",
                                                 "request_key",
                                                 "userfaultfd"};
  return calls;
}

// Nothing in a build cache is of two targets.
std::string cache_name(const Key& key) {
  return fmt::format("{}-{}", key.target.goos, key.target.goarch);
}

// Whether another user can get to it: every directory above lets everybody through.
bool is_reachable(const std::string& path) {
  for (fs::path at = path; at.has_relative_path(); at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.parent_path().c_str(), &info) != 0 || (info.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

// The child's end of the channel and what it sends through it: a listening socket of its own
// network. The cases of failure belong to the network's part.
void plan_listener(int channel, os::Parts needs, os::CallList& early) {
  constexpr os::Parts kPart = os::bit(SandboxPart::kNetwork);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  auto* buffer = static_cast<char*>(early.bytes(control.data(), control.size()));
  auto* header = reinterpret_cast<cmsghdr*>(buffer);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  // Where the message has the descriptor, the result of socket(2) goes.
  auto* socket = reinterpret_cast<std::int32_t*>(CMSG_DATA(header));
  const auto call = [&](const char* what, long number, std::array<long, 6> args,
                        const std::int32_t* load) {
    early.add({.what = what,
               .number = number,
               .args = args,
               .part = kPart,
               .needs = needs,
               .load = load});
  };
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  early.add({.what = "making the proxy's socket",
             .number = SYS_socket,
             .args = {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0},
             .part = kPart,
             .needs = needs,
             .store = socket});
  call("binding the proxy's socket", SYS_bind,
       {0, os::CallList::address(early.keep(address)), sizeof address}, socket);
  call("listening", SYS_listen, {0, SOMAXCONN}, socket);
  auto* byte = early.text("x");
  const auto* data = early.keep<iovec>({byte, 1});
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(data);
  message.msg_iovlen = 1;
  message.msg_control = buffer;
  message.msg_controllen = control.size();
  call("handing the proxy's socket over", SYS_sendmsg,
       {channel, os::CallList::address(early.keep(message)), 0}, nullptr);
}

}  // namespace

// ---- what the go command sees ----

Result<GoRunner> GoRunner::make(SandboxMode mode, Toolchain toolchain, const std::string& work,
                                const os::Stop& stop) {
  GoRunner out(mode, std::move(toolchain), os::real_path(work), stop);
  if (mode != SandboxMode::kOff) GW_CHECK(out.probe());
  GW_CHECK(out.prepare());
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
    if (!other_user_ || ::fchownat(at, name.c_str(), kBuildUser, kBuildUser,
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
  GW_TRY(const os::Dir work, os::Dir::open(work_));
  GW_TRY(const os::Dir caches, work.open_dir(std_only ? kStdCache : kCache));
  // Whatever builds before could write, this one is not to have.
  if (std_only) GW_CHECK(caches.remove_tree(cache_name(key)));
  GW_TRY(os::Dir cache, caches.make_dir(cache_name(key), 0700));
  if (other_user_ && ::fchown(cache.fd(), kBuildUser, kBuildUser) != 0) {
    return errno_error("chown of a build cache", errno);
  }
  return cache;
}

Status GoRunner::give(const os::Dir& cache) const {
  if (!other_user_) return {};
  GW_TRY(const auto entries, cache.list());
  for (const os::Dir::Entry& entry : entries) {
    if (::fchownat(cache.fd(), entry.name.c_str(), kBuildUser, kBuildUser, AT_SYMLINK_NOFOLLOW) !=
        0) {
      return errno_error("chown in a build cache", errno);
    }
    if (!entry.is_directory) continue;
    GW_TRY(const os::Dir below, cache.open_dir(entry.name));
    GW_CHECK(give(below));
  }
  return {};
}

// ---- the sandbox ----

os::SandboxPolicy GoRunner::policy(bool fetches) const {
  const GoPlaces at = places();
  const bool root = granted(SandboxPart::kRoot);
  const std::string work = root ? std::string(kWorkDirectory) : work_;
  os::SandboxPolicy out;
  out.root.emplace();
  out.root->binds.push_back({.from = toolchain_.goroot, .to = at.goroot});
  out.root->binds.push_back({.from = work_, .to = work, .writable = true, .programs = false});
  for (const std::string& path : toolchain_.others) {
    out.root->binds.push_back({.from = path, .to = path});
  }
  out.loopback = fetches;
  out.host_name = kHostName;
  out.landlock.emplace();
  // A fetch's traffic is what its network namespace is for.
  out.landlock->refuse_tcp = !fetches;
  using Access = os::LandlockRule::Access;
  out.landlock->rules.push_back({at.goroot, Access::kExecute});
  for (const std::string& path : toolchain_.others) {
    out.landlock->rules.push_back({path, Access::kExecute, !fs::is_directory(path)});
  }
  out.landlock->rules.push_back({work, Access::kWrite});
  out.landlock->rules.push_back({"/dev/null", Access::kWrite, true});
  if (granted(SandboxPart::kProc)) out.landlock->rules.push_back({"/proc", Access::kRead});
  out.seccomp.emplace();
  out.seccomp->deny = denied_calls();
  out.seccomp->refuse_network = !fetches;
  out.seccomp->refuse_namespaces = true;
  out.required = mode_ == SandboxMode::kFull ? os::kAllSandboxParts : 0;
  return out;
}

os::Spawn GoRunner::spawn() const {
  const GoPlaces at = places();
  os::Spawn out;
  out.file = at.goroot + "/bin/go";
  out.directory = at.temporary;
  out.death_signal = SIGKILL;
  out.limits = {{RLIMIT_CORE, 0, 0}};
  if (mode_ == SandboxMode::kOff) return out;
  out.limits.push_back({RLIMIT_DATA, kMaxData, kMaxData});
  out.limits.push_back({RLIMIT_FSIZE, kMaxFile, kMaxFile});
  if (other_user_) {
    out.identity = os::Identity{kBuildUser, kBuildUser, {kBuildUser}};
    out.limits.push_back({RLIMIT_NPROC, kMaxProcesses, kMaxProcesses});
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
    GW_TRY(const os::Refusals refusals, os::probe_sandbox(policy(true), std::move(as)));
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
  if (mode_ != SandboxMode::kFull || lacks_.empty()) return {};
  std::string all;
  for (const std::string& lack : lacks_) all += (all.empty() ? "" : "; ") + lack;
  return usage_error("the kernel refuses parts of the sandbox: " + all,
                     "--sandbox partial builds with what there is, --sandbox off without any");
}

// ---- running ----

Result<os::Ran> GoRunner::run(Command command, const Key& key) {
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
  os::Fd channel;
  if (mode_ != SandboxMode::kOff) GW_CHECK(os::apply_sandbox(policy(fetches), go));
  if (isolated != nullptr) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      return errno_error("making a socket pair", errno);
    }
    os::Fd ours(ends[0]);
    const os::Fd low(ends[1]);
    // Above all numbers that the child's standard descriptors are mapped to.
    channel = os::Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, 10));
    if (!channel) return errno_error("duplicating a socket", errno);
    plan_listener(channel.get(), 0, go.hook.early);
    isolated->serve_from(std::move(ours));
  }
  os::RunOptions options;
  options.timeout = kBuildTime;
  options.capture_output = true;
  options.errors_to_output = true;
  options.max_output = kMaxBuildLog;
  options.stop_fd = stop_->fd();
  auto ran = os::run(std::move(go), options);
  if (ran && ran->end == os::Ran::End::kStopped) return unavailable_error("stopped");
  return ran;
}

Result<os::Ran> GoRunner::fetch(const Key& key, Forwarder& forwarder) {
  const bool isolated = mode_ != SandboxMode::kOff && granted(SandboxPart::kNetwork);
  if (isolated) {
    return run({fetch_arguments(key), fmt::format("http://127.0.0.1:{}", kPort), &forwarder}, key);
  }
  GW_TRY(auto listener, Forwarder::listen());
  forwarder.serve(std::move(listener.fd));
  return run({fetch_arguments(key), fmt::format("http://127.0.0.1:{}", listener.port)}, key);
}

Result<os::Ran> GoRunner::build(const Key& key) {
  ++builds_;
  return run({build_arguments(key), fmt::format("file://{}/cache/download", places().module_cache)},
             key);
}

Result<os::Ran> GoRunner::compile_std(const Key& key, const std::vector<std::string>& packages) {
  return run({.argv = std_arguments(packages), .proxy = "off", .std_only = true}, key);
}

}  // namespace gw::build
