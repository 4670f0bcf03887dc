// Ordinary files in the place of control groups, and a shell script in that of the go command.
#include "build/build_group.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "build/build_guard.h"
#include "build/go_runner.h"
#include "support/os/group_files.h"

using namespace gw;
using namespace gw::build;
using os_test::GroupFiles;

namespace {

namespace fs = std::filesystem;

const BuildLimits kSmall{.memory_bytes = 6'000'000, .processes = 9};

std::string group_text(const std::string& path) {
  return os::read_file(path, 4096).value_or("(none)");
}

// As a unit with Delegate=yes.
BuildGroups delegated(GroupFiles& files) {
  auto out = BuildGroups::take(files.place());
  out.try_out();
  return out;
}

struct WatchingGuard : BuildGuard {
  WatchingGuard(const testing::TempDir& dir, const os::Cgroup& group, const BuildLimits& limits)
      : BuildGuard(limits, os::Dir::open(dir.path()).value(), std::nullopt) {
    watch(group);
  }
};

}  // namespace

TEST_CASE("build groups: none is nothing to tell") {
  GroupFiles files(os_test::kAllFiles);
  for (const char* group : {"/", "/nonexistent"}) {
    auto none = BuildGroups::take(files.place(group));
    none.give({1, 1, {1}});
    none.try_out();
    CHECK(none.lacks().empty());
    CHECK(none.memory_by() == "looking");
    CHECK(none.processes_by() == "looking");
    const auto made = none.make(kSmall);
    REQUIRE(made);
    CHECK(!*made);
  }
}

TEST_CASE("build groups: each has the build's limits") {
  GroupFiles files(os_test::kAllFiles);
  if (!files.mark("/unit")) return;
  const BuildGroups groups = delegated(files);
  CHECK(groups.lacks().empty());
  CHECK(groups.memory_by() == "cgroup");
  CHECK(groups.processes_by() == "cgroup");
  CHECK(groups.limits_all());
  const auto made = groups.make(kSmall);
  REQUIRE(made);
  REQUIRE(*made);
  CHECK(group_text((*made)->path() + "/memory.max") == "6000000");
  CHECK(group_text((*made)->path() + "/pids.max") == "9");
}

TEST_CASE("build groups: what was given and does not work is told") {
  GroupFiles files({"pids.max", "pids.events"});
  if (!files.mark("/unit")) return;
  const BuildGroups groups = delegated(files);
  CHECK(groups.lacks() ==
        std::vector<std::string>{
            "cgroup memory limit: writing memory.max: No such file or directory"});
  CHECK(groups.memory_by() == "looking");
  CHECK(groups.processes_by() == "cgroup");

  os::CgroupPlace closed = files.place();
  closed.maker = [](const std::string&) { return EROFS; };
  const auto none = BuildGroups::take(closed);
  REQUIRE(none.lacks().size() == 1);
  CHECK(none.lacks()[0].find("Read-only file system") != std::string::npos);
  CHECK(!none.make(kSmall).value());
}

TEST_CASE("build groups: one that no child can enter is not used") {
  GroupFiles files(os_test::kAllFiles);
  if (!files.mark("/unit")) return;
  os::CgroupPlace place = files.place();
  // What is written to a full device is refused, as by the kernel.
  place.maker = [&files, made = 0](const std::string& path) mutable {
    if (const int error = files.place().maker(path); error != 0) return error;
    if (++made == 1) return 0;  // our leaf
    fs::remove(path + "/cgroup.procs");
    fs::create_symlink("/dev/full", path + "/cgroup.procs");
    return 0;
  };
  auto groups = BuildGroups::take(place);
  groups.try_out();
  REQUIRE(groups.lacks().size() == 1);
  CHECK(groups.lacks()[0].find("entering the cgroup") != std::string::npos);
  CHECK(!groups.make(kSmall).value());
  CHECK(groups.memory_by() == "looking");
}

TEST_CASE("build groups: a guard believes the kernel of what it limits, and counts the rest") {
  GroupFiles files(os_test::kAllFiles);
  if (!files.mark("/unit")) return;
  const BuildGroups groups = delegated(files);
  const testing::TempDir dir;
  const BuildLimits none{.memory_bytes = 1, .processes = 0};
  {
    const auto group = groups.make(none).value();
    WatchingGuard idle(dir, *group, none);
    CHECK(idle.look(::getpid()));
    CHECK(!idle.finish());
    os_test::put(group->path() + "/memory.events", "oom 1\noom_kill 2\noom_group_kill 1\n");
    WatchingGuard memory(dir, *group, kSmall);
    CHECK(!memory.look(::getpid()));
    CHECK(memory.finish()->line == "the build used more than 6 MB of memory");
    os_test::put(group->path() + "/memory.events", "");
    os_test::put(group->path() + "/pids.events", "max 3\n");
    // Also when it was over before the first look.
    const auto found = WatchingGuard(dir, *group, kSmall).finish();
    REQUIRE(found);
    CHECK(found->reason == Reason::kProcessLimit);
    CHECK(found->line == "the build used more than 9 processes");
  }
  GroupFiles some({"memory.max", "memory.oom.group", "memory.events"});
  if (!some.mark("/unit")) return;
  const auto group = delegated(some).make(none).value();
  WatchingGuard processes(dir, *group, none);
  CHECK(!processes.look(::getpid()));
  CHECK(processes.finish()->reason == Reason::kProcessLimit);
}

TEST_CASE("build groups: each go command enters one, and what it says is the reason") {
  GroupFiles files(os_test::kAllFiles);
  if (!files.mark("/unit")) return;
  const BuildGroups groups = delegated(files);
  const testing::TempDir dir;
  fs::create_directories(dir.file("go/bin"));
  fs::create_directory(dir.file("work"));
  os_test::put(dir.file("go/bin/go"), "#!/bin/sh\ncd " + files.file("/unit") +
                                          "\nfor g in build-*; do :; done\n"  // the newest
                                          "cat $g/cgroup.procs; echo max 1 >$g/pids.events\n");
  fs::permissions(dir.file("go/bin/go"), fs::perms(0755));
  const os::Stop stop;
  auto runner = GoRunner::make({.mode = SandboxMode::kOff, .limits = kSmall, .groups = &groups},
                               {"go1.26.8", dir.file("go"), {}}, dir.file("work"), stop);
  REQUIRE(runner);
  const auto ran = runner->build({.module = "a.b/main",
                                  .version = "v1.0.0",
                                  .dir = "/",
                                  .target = {"linux", "amd64"},
                                  .go_version = "go1.26.8"});
  REQUIRE(ran);
  CHECK(ran->output == "0");
  REQUIRE(ran->found);
  CHECK(ran->found->line == "the build used more than 9 processes");
}
