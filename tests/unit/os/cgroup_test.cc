// Groups of the kernel's where we may make some, in the root's tree, and ordinary files in the
// place of the rest.
#include "os/cgroup.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "os/cgroup_delegation.h"
#include "os/process.h"
#include "os/sandbox.h"
#include "support/os/as_user.h"
#include "support/os/group_files.h"

using namespace gw;
using namespace gw::os;

namespace {

namespace fs = std::filesystem;
using os_test::GroupFiles;
using os_test::kAllFiles;

std::string text_of(const std::string& path) { return read_file(path, 4096).value_or("(none)"); }
using os_test::put;

constexpr Cgroup::Limits kSomeLimits{.memory_bytes = 5'000'000, .pids = 7};

}  // namespace

TEST_CASE("cgroup: limits are written where the controllers are, and told where not") {
  GroupFiles files(kAllFiles);
  {
    const auto group = Cgroup::make(files.file("/unit"), "g", kSomeLimits, files.place().maker);
    REQUIRE(group);
    CHECK(text_of(group->path() + "/memory.max") == "5000000");
    CHECK(text_of(group->path() + "/memory.swap.max") == "0");
    CHECK(text_of(group->path() + "/memory.oom.group") == "1");
    CHECK(text_of(group->path() + "/pids.max") == "7");
    CHECK(group->refusals().empty());
    CHECK(group->limits_memory());
    CHECK(group->limits_pids());
    CHECK(Cgroup::make(files.file("/unit"), "g", kSomeLimits, files.place().maker).error().kind ==
          ErrorKind::kUsage);
  }
  GroupFiles none({"pids.max"});
  const auto group = Cgroup::make(none.file("/unit"), "g", kSomeLimits, none.place().maker);
  REQUIRE(group);
  REQUIRE(group->refusals().size() == 1);
  CHECK(refusal_text(group->refusals()[0]) ==
        "cgroup memory limit: writing memory.max: No such file or directory");
  CHECK_FALSE(group->limits_memory());
  CHECK(group->limits_pids());
}

TEST_CASE("cgroup: which limit was reached") {
  GroupFiles files(kAllFiles);
  const auto group = Cgroup::make(files.file("/unit"), "g", kSomeLimits, files.place().maker);
  REQUIRE(group);
  struct Row {
    const char* memory;
    const char* pids;
    bool reached_memory;
    bool reached_pids;
  };
  for (const Row& row : {
           Row{"low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n", "max 0\n", false,
               false},
           Row{"low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n", "max 0\n", true,
               false},
           Row{"oom 1\noom_kill 1\n", "max 0\n", true, false},
           // For a limit further up, or for the whole machine.
           Row{"max 0\noom 0\noom_kill 3\noom_group_kill 1\n", "max 0\n", false, false},
           // An allocation failed, nothing was ended.
           Row{"oom 4\noom_kill 0\n", "max 0\n", false, false},
           Row{"oom 0\n", "max 2\n", false, true},
           Row{"", "", false, false},
       }) {
    INFO(row.memory << row.pids);
    put(group->path() + "/memory.events", row.memory);
    put(group->path() + "/pids.events", row.pids);
    CHECK(group->reached().memory == row.reached_memory);
    CHECK(group->reached().pids == row.reached_pids);
  }
}

TEST_CASE("cgroup delegation: none but what was given") {
  const auto taken = [](GroupFiles& files, const std::string& group) {
    const auto got = CgroupDelegation::take(files.place(group));
    return got && *got && files.groups().size() == 1;
  };
  const auto refused = [](GroupFiles& files, const std::string& group) {
    const auto got = CgroupDelegation::take(files.place(group));
    return got && !*got && files.groups().empty();
  };
  SECTION("root's own are not") {
    os_test::in_child([&]() -> std::string {
      if (::geteuid() != 0) return {};
      GroupFiles files(kAllFiles);
      GW_EXPECT(refused(files, "/unit"));
      GW_EXPECT(refused(files, "/"));
      if (files.mark("/")) GW_EXPECT(refused(files, "/"));
      if (files.mark("/unit", "0")) GW_EXPECT(refused(files, "/unit"));
      return {};
    });
  }
  SECTION("marked ones are") {
    os_test::in_child([&]() -> std::string {
      GroupFiles files(kAllFiles);
      if (!files.mark("/unit")) return {};
      GW_EXPECT(taken(files, "/unit"));
      GW_EXPECT(text_of(files.file("/unit/gwtool-" + std::to_string(::getpid()) +
                                   "/cgroup.procs")) == "0");
      return {};
    });
  }
  SECTION("whatever they are called") {
    os_test::in_child([&]() -> std::string {
      GroupFiles files(kAllFiles);
      files.add("/unit/gwtool-builds.service");
      if (!files.mark("/unit/gwtool-builds.service")) return {};
      const auto got = CgroupDelegation::take(files.place("/unit/gwtool-builds.service"));
      GW_EXPECT(got && *got && (*got)->path() == files.file("/unit/gwtool-builds.service"));
      return {};
    });
  }
  SECTION("a user's are, when nobody else is in them") {
    os_test::in_child(
        [&]() -> std::string {
          GroupFiles files(kAllFiles);
          GW_EXPECT(taken(files, "/unit"));
          GroupFiles others(kAllFiles);
          put(others.file("/unit/cgroup.procs"), std::to_string(::getpid()) + "\n1\n");
          GW_EXPECT(refused(others, "/unit"));
          GroupFiles closed(kAllFiles);
          fs::permissions(closed.file("/unit/cgroup.subtree_control"), fs::perms(0444));
          GW_EXPECT(refused(closed, "/unit"));
          return {};
        },
        os_test::kOrdinary);
  }
  SECTION("one that is given and cannot be used is told") {
    GroupFiles files(kAllFiles);
    if (!files.mark("/unit")) return;
    CgroupPlace place = files.place();
    place.maker = [](const std::string&) { return EROFS; };
    const auto got = CgroupDelegation::take(place);
    REQUIRE(!got);
    CHECK(got.error().message == "making " + files.file("/unit/gwtool-") +
                                     std::to_string(::getpid()) + ": Read-only file system");
  }
}

TEST_CASE("cgroup delegation: processes in one do not disturb each other") {
  GroupFiles files(kAllFiles);
  if (!files.mark("/unit")) return;
  const std::string pid = std::to_string(::getpid());
  files.add("/unit/gwtool-1");   // of dead ones
  files.add("/unit/build-1-1");  //
  files.add("/unit/build-it");   // whose name is not ours
  const auto lives = Cgroup::make(files.file("/unit"), "build-2-1", {}, files.place().maker);
  REQUIRE(lives);
  // Ordinary files keep a directory from going.
  for (const char* name : {"/unit/gwtool-1", "/unit/build-1-1", "/unit/build-2-1"}) {
    for (const auto& entry : fs::directory_iterator(files.file(name))) {
      if (entry.path().filename() != "cgroup.events") fs::remove(entry.path());
    }
  }
  fs::remove(files.file("/unit/gwtool-1/cgroup.events"));
  const auto one = CgroupDelegation::take(files.place());
  REQUIRE(one);
  REQUIRE(*one);
  // build-1-1 still has the file that says that nobody is in it, which no kernel would mind.
  CHECK(files.groups() ==
        std::vector<std::string>{"build-1-1", "build-2-1", "build-it", "gwtool-" + pid});
  const auto two = CgroupDelegation::take(files.place());
  REQUIRE(two);
  REQUIRE(*two);
  CHECK(fs::exists(files.file("/unit/gwtool-" + pid + "-1")));
  const auto a = (*one)->make(kSomeLimits);
  const auto b = (*two)->make(kSomeLimits);
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->path() != b->path());
  CHECK(text_of(files.file("/unit/cgroup.subtree_control")).find("+pids") != std::string::npos);
  // Whoever starts in the leaf, as after exec(2), makes groups beside it and stays there.
  const auto inner = CgroupDelegation::take(files.place("/unit/gwtool-" + pid));
  REQUIRE(inner);
  REQUIRE(*inner);
  CHECK((*inner)->path() == files.file("/unit"));
}

TEST_CASE("cgroup delegation: is handed to another user") {
  if (::geteuid() != 0) return os_test::not_tried("giving a group to another user: needs root");
  GroupFiles files(kAllFiles);
  if (!files.mark("/unit")) return;
  const auto own = CgroupDelegation::take(files.place());
  REQUIRE(own);
  REQUIRE(*own);
  REQUIRE((*own)->give({os_test::kOrdinary, os_test::kOrdinary, {}}));
  for (const char* name : {"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"}) {
    struct stat info {};
    REQUIRE(::stat(files.file(std::string("/unit") + name).c_str(), &info) == 0);
    CHECK(info.st_uid == os_test::kOrdinary);
  }
  struct stat info {};
  REQUIRE(::stat(files.file("/unit/memory.max").c_str(), &info) == 0);
  CHECK(info.st_uid == 0);  // the limit of all of it is whoever's who gave it
  os_test::in_child(
      [&]() -> std::string {
        const auto group = (*own)->make({});
        return group ? "" : group.error().message;
      },
      os_test::kOrdinary);
}

TEST_CASE("cgroup: the kernel's: members, limits, the end of all") {
  const auto own = own_cgroup();
  if (!own) return os_test::not_tried("cgroup: " + own.error().message);
  os_test::in_child([&]() -> std::string {
    const std::string name = "gw-test-" + std::to_string(::getpid());
    auto group = Cgroup::make(own->mount, name, {.memory_bytes = 64 << 20, .pids = 20});
    if (!group) {
      os_test::not_tried("cgroup: " + group.error().message);
      return {};
    }
    for (const Refusal& r : group->refusals()) os_test::not_tried(refusal_text(r));
    GW_EXPECT(!remove_dead_group(group->path(), true));  // its maker is alive
    SandboxPolicy policy;
    policy.cgroup = &*group;
    policy.pids = false;
    int ends[2];
    GW_EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
    Spawn spawn;
    spawn.file = "/bin/sh";
    spawn.argv = {"sh", "-c",
                  "cat /proc/self/cgroup; setsid sleep 1000 & echo up; setsid sleep 1000 & wait"};
    spawn.descriptors = {{ends[1], 1}};
    if (!group->refusals().empty()) {
      GW_EXPECT(!apply_sandbox(policy, spawn));  // a limit that is required and was refused
      spawn.hook = {};
    }
    policy.required = bit(SandboxPart::kCgroup);
    GW_EXPECT(bool(apply_sandbox(policy, spawn)));
    auto child = os::spawn(std::move(spawn));
    GW_EXPECT(bool(child));
    ::close(ends[1]);
    std::string said;
    char c = 0;
    while (said.find("up\n") == std::string::npos && ::read(ends[0], &c, 1) == 1) said += c;
    GW_EXPECT(said.find("/" + name + "\n") != std::string::npos);
    GW_EXPECT(bool(group->kill()));
    GW_EXPECT(::read(ends[0], &c, 1) == 0);  // the last writer has ended
    GW_EXPECT(child->reap().value() == Exit{.signal = SIGKILL});
    const std::string path = group->path();
    { const Cgroup gone = *std::move(group); }
    GW_EXPECT(!file_exists(path));
    return {};
  });
}

TEST_CASE("cgroup: who may not make one is told so") {
  const auto own = own_cgroup();
  if (!own) return os_test::not_tried("cgroup: " + own.error().message);
  os_test::in_child(
      [&]() -> std::string {
        const auto group = Cgroup::make(own->mount, "gw-test-refused", {});
        if (!group) return group.error().kind == ErrorKind::kIo ? "" : group.error().message;
        return "made";
      },
      os_test::kOrdinary);
}
