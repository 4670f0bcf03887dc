// A root of nothing but what is bound into it.
//
// 1. A private mount namespace, whose root moves below a small tmpfs: /old is the host, /new will
// be
//    the sandbox. 2. Everything is mounted below /new. 3. pivot_root into it, and the host's tree
//    is
// let go: no path, open directory or ".." leads back. All paths are known before the fork; mount
// points are made only in the tmpfs that we made, never in what was bound.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "os/sandbox_plan.h"

namespace gw::os {

namespace {

constexpr Parts kRoot = bit(SandboxPart::kRoot);
constexpr Parts kProc = bit(SandboxPart::kProc);

// struct mount_attr of mount_setattr(2).
struct MountAttr {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  std::uint64_t propagation = 0;
  std::uint64_t user_namespace = 0;
};
constexpr std::uint64_t kReadOnly = 1;
constexpr std::uint64_t kNoSuid = 2;
constexpr std::uint64_t kNoDev = 4;
constexpr std::uint64_t kNoExec = 8;

struct Place {
  std::string to;
  const SandboxRoot::Bind* bind = nullptr;  // else a tmpfs
  std::uint64_t bytes = 0;
};

bool is_clean(const std::string& path) {
  return path.size() > 1 && path[0] == '/' &&
         std::filesystem::path(path).lexically_normal().string() == path && path.back() != '/';
}

bool is_below(const std::string& path, const std::string& dir) {
  return path.size() > dir.size() && path.starts_with(dir) && path[dir.size()] == '/';
}

class RootPlan {
 public:
  RootPlan(const SandboxRoot& root, const Spawn& spawn, Parts needs, Parts proc_needs,
           CallList& calls)
      : root_(root), needs_(needs), proc_needs_(proc_needs | kRoot), calls_(calls) {
    if (spawn.identity)
      owner_ = fmt::format(",uid={},gid={}", spawn.identity->uid, spawn.identity->gid);
  }

  Status plan() {
    static const SandboxRoot::Bind null{.from = "/dev/null",
                                        .to = "/dev/null",
                                        .writable = true,
                                        .programs = false,
                                        .device = true};
    std::vector<Place> places;
    for (const auto& bind : root_.binds) places.push_back({bind.to, &bind});
    for (const auto& tmpfs : root_.tmpfs) places.push_back({tmpfs.path, nullptr, tmpfs.bytes});
    if (root_.null) places.push_back({null.to, &null});
    for (const Place& place : places) {
      if (!is_clean(place.to)) {
        return usage_error(fmt::format("{}: not a clean absolute path", place.to));
      }
    }
    // Those that hold others come first.
    std::sort(places.begin(), places.end(),
              [](const Place& a, const Place& b) { return a.to < b.to; });
    GW_CHECK(move_host());
    for (const Place& place : places) {
      GW_CHECK(place.bind != nullptr ? add_bind(*place.bind) : add_tmpfs(place));
    }
    if (root_.proc) add_proc();
    enter();
    return {};
  }

 private:
  void call(const char* what, long number, std::array<long, 6> args, Parts part = kRoot) {
    calls_.add({.what = what,
                .number = number,
                .args = args,
                .part = part,
                .needs = needs_ | (part == kProc ? proc_needs_ : 0)});
  }
  void mount(const char* what, const char* from, const std::string& to, const char* type,
             long flags, const std::string& options, Parts part = kRoot) {
    call(what, SYS_mount,
         {from == nullptr ? 0 : calls_.arg(from), calls_.arg(to),
          type == nullptr ? 0 : calls_.arg(type), flags, options.empty() ? 0 : calls_.arg(options)},
         part);
  }
  void make_directory(const std::string& path, Parts part = kRoot) {
    call("making a mount point", SYS_mkdirat, {AT_FDCWD, calls_.arg(path), 0755}, part);
  }
  // Adds flags to the mount and, unlike a remount, to all mounts in it; clears none.
  void restrict(const char* what, const std::string& path, std::uint64_t flags, bool all) {
    const auto* attr = calls_.keep<MountAttr>({.set = flags});
    call(what, SYS_mount_setattr,
         {AT_FDCWD, calls_.arg(path), all ? AT_RECURSIVE : 0, CallList::address(attr),
          sizeof(MountAttr)});
  }

  Status move_host() {
    constexpr auto kBases = std::to_array<const char*>({"/tmp", "/run", "/mnt", "/var", "/usr"});
    const auto* base = std::find_if(kBases.begin(), kBases.end(), [](const char* path) {
      struct stat info {};
      return ::lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
    });
    if (base == kBases.end()) return not_found_error("no directory to mount a root at");
    const std::string b = *base;
    mount("making mounts private", nullptr, "/", nullptr, MS_REC | MS_PRIVATE, "");
    mount("mounting a tmpfs", "tmpfs", b, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755");
    make_directory(b + "/old");
    make_directory(b + "/new");
    call("pivot_root", SYS_pivot_root, {calls_.arg(b), calls_.arg(b + "/old")});
    call("changing to the root", SYS_chdir, {calls_.arg("/")});
    mount("mounting a tmpfs", "tmpfs", "/new", "tmpfs", MS_NOSUID | MS_NODEV, "size=256k,mode=755");
    return {};
  }

  // Makes the directories that lead to `to`, as far as they lie in a tmpfs of ours. True when `to`
  // itself is ours to make.
  bool make_parents(const std::string& to) {
    std::string holder;
    bool in_bind = false;
    for (const auto& [path, bound] : mounted_) {
      if (is_below(to, path) && path.size() > holder.size()) {
        holder = path;
        in_bind = bound;
      }
    }
    if (in_bind) return false;
    for (auto slash = to.find('/', 1); slash != std::string::npos;
         slash = to.find('/', slash + 1)) {
      const std::string dir = to.substr(0, slash);
      if (dir.size() > holder.size() && made_.insert(dir).second) make_directory("/new" + dir);
    }
    return made_.insert(to).second;
  }

  Status add_bind(const SandboxRoot::Bind& bind) {
    std::error_code failed;
    // A link to an absolute path would lead elsewhere when the host's root has moved.
    const std::string from = std::filesystem::canonical(bind.from, failed).string();
    if (failed) return not_found_error(fmt::format("{}: {}", bind.from, failed.message()));
    const std::string to = "/new" + bind.to;
    if (make_parents(bind.to)) {
      if (std::filesystem::is_directory(from, failed)) {
        make_directory(to);
      } else {
        call("making a mount point", SYS_mknodat, {AT_FDCWD, calls_.arg(to), S_IFREG | 0600, 0});
      }
    }
    const char* what = calls_.text(fmt::format("binding {}", bind.to));
    mount(what, ("/old" + from).c_str(), to, nullptr, MS_BIND | MS_REC, "");
    restrict(what, to,
             kNoSuid | (bind.writable ? 0 : kReadOnly) | (bind.programs ? 0 : kNoExec) |
                 (bind.device ? 0 : kNoDev),
             true);
    mounted_.emplace_back(bind.to, true);
    return {};
  }

  Status add_tmpfs(const Place& place) {
    if (place.bytes == 0) return usage_error(fmt::format("{}: a tmpfs without a size", place.to));
    if (make_parents(place.to)) make_directory("/new" + place.to);
    mount(calls_.text(fmt::format("mounting {}", place.to)), "tmpfs", "/new" + place.to, "tmpfs",
          MS_NOSUID | MS_NODEV | MS_NOEXEC, fmt::format("size={},mode=700{}", place.bytes, owner_));
    mounted_.emplace_back(place.to, false);
    return {};
  }

  void add_proc() {
    if (made_.insert("/proc").second) make_directory("/new/proc", kProc);
    mount("mounting /proc", "proc", "/new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
          "subset=pid", kProc);
  }

  void enter() {
    call("changing to the new root", SYS_chdir, {calls_.arg("/new")});
    // Onto itself: the old root ends up over the new one, and is taken away from there.
    call("pivot_root", SYS_pivot_root, {calls_.arg("."), calls_.arg(".")});
    call("unmounting the host", SYS_umount2, {calls_.arg("."), MNT_DETACH});
    call("changing to the root", SYS_chdir, {calls_.arg("/")});
    restrict("making the root read-only", "/", kReadOnly | kNoSuid | kNoDev, false);
  }

  const SandboxRoot& root_;
  const Parts needs_;
  const Parts proc_needs_;
  CallList& calls_;
  std::string owner_;                                  // a tmpfs option
  std::set<std::string> made_;                         // paths below /new
  std::vector<std::pair<std::string, bool>> mounted_;  // and whether by a bind
};

}  // namespace

Status plan_root(const SandboxRoot& root, const Spawn& spawn, Parts needs, Parts proc_needs,
                 CallList& early) {
  return RootPlan(root, spawn, needs, proc_needs, early).plan();
}

}  // namespace gw::os
