#include "os/user.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "os/file.h"
#include "support/os/as_user.h"

using namespace gw;
using namespace gw::os;

namespace {

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "+nis\n"
    "broken:x:no:0:::\n"
    "short:x:5:5\n"
    "all:x:4294967295:5:::\n"
    "svc:x:990:991:A: service:/srv:/bin/sh\n"
    "app:x:1000:1000:App,,,:/srv/app:/usr/sbin/nologin\n"
    "app:x:1001:1001::/second:/bin/sh\n"
    "1000:x:77:77::/named-like-a-number:/bin/sh\n";
constexpr const char* kGroup =
    "root:x:0:\n"
    "wheel:x:10:app,root\n"
    "apple:x:11:apple,appx\n"
    "video:x:44:root,app\n"
    "again:x:10:app\n"
    "bad:x:minus:app\n"
    "app:x:1000:";

}  // namespace

TEST_CASE("user: by name and number, with the groups that name it") {
  const auto app = find_user_in(kPasswd, kGroup, "app");
  REQUIRE(app);
  CHECK(app->name == "app");
  CHECK(app->home == "/srv/app");
  CHECK(app->identity == Identity{1000, 1000, {10, 44, 1000}});
  CHECK(find_user_in(kPasswd, kGroup, "1000")->name == "app");  // the first line wins
  CHECK(find_user_in(kPasswd, "", "0")->identity == Identity{0, 0, {0}});
  CHECK(find_user_in(kPasswd, kGroup, "root")->identity.groups == std::vector<gid_t>{0, 10, 44});
}

TEST_CASE("user: what is not there or not right") {
  for (const char* name : {"nobody", "", "ap", "app:x", "x", "+nis", "991", "4294967296", "-1"}) {
    CAPTURE(name);
    CHECK(find_user_in(kPasswd, kGroup, name).error().kind == ErrorKind::kNotFound);
  }
  // "svc" has a colon too many, "all" a number that setresuid() takes for "leave it".
  for (const char* name : {"broken", "short", "svc", "all"}) {
    CAPTURE(name);
    CHECK(find_user_in(kPasswd, kGroup, name).error().kind == ErrorKind::kCorrupt);
  }
}

TEST_CASE("user: groups by name and number") {
  CHECK(find_group_in(kGroup, "wheel").value() == 10);
  CHECK(find_group_in(kGroup, "app").value() == 1000);
  CHECK(find_group_in(kGroup, "5").value() == 5);  // needs no line
  CHECK(find_group_in(kGroup, "bad").error().kind == ErrorKind::kCorrupt);
  CHECK(find_group_in(kGroup, "whee").error().kind == ErrorKind::kNotFound);
  CHECK(find_group_in(kGroup, "").error().kind == ErrorKind::kNotFound);
  CHECK(find_group_in(kGroup, "4294967295").error().kind == ErrorKind::kNotFound);
}

TEST_CASE("user: this machine's files") {
  CHECK(find_user("root")->identity.uid == 0);
  CHECK(find_group("root").value() == 0);
  const auto none = find_user("no-such-user-here");
  CHECK(none.error().message == "/etc/passwd: there is no user \"no-such-user-here\"");
}

TEST_CASE("user: becoming another one is complete and for good") {
  const bool root = os_test::in_child([]() -> std::string {
    if (::geteuid() != 0) return {};
    // A thread that was there before must have changed as well.
    std::string status;
    int ends[2];
    GW_EXPECT(::pipe(ends) == 0);
    std::thread other([&] {
      char c = 0;
      if (::read(ends[0], &c, 1) != 1) return;
      status = read_file("/proc/thread-self/status", 1 << 16).value_or("");
    });
    GW_EXPECT(bool(become({61234, 61235, {61235, 61236}})));
    GW_EXPECT(::write(ends[1], "x", 1) == 1);
    other.join();
    GW_EXPECT(status.find("Uid:\t61234\t61234\t61234\t61234\n") != std::string::npos);
    GW_EXPECT(status.find("Groups:\t61235 61236 \n") != std::string::npos);
    GW_EXPECT(status.find("CapEff:\t0000000000000000\n") != std::string::npos);
    GW_EXPECT(status.find("CapPrm:\t0000000000000000\n") != std::string::npos);
    GW_EXPECT(current_identity().value() == Identity{61234, 61235, {61235, 61236}});
    GW_EXPECT(::setuid(0) != 0);
    GW_EXPECT(!read_file("/etc/shadow", 1 << 20));
    GW_EXPECT(!has_capability(CAP_SETUID));
    GW_EXPECT(bool(become({61234, 61235, {61235, 61236}})));  // is so already
    GW_EXPECT(become({0, 0, {0}}).error().kind == ErrorKind::kUsage);
    return {};
  });
  CHECK(root);
  if (::geteuid() != 0) os_test::not_tried("becoming another user: that needs root");
}

TEST_CASE("user: who is not root cannot become another one") {
  const auto body = []() -> std::string {
    const auto s = become_user("root");
    GW_EXPECT(!s && s.error().kind == ErrorKind::kUsage);
    GW_EXPECT(s.error().message == "becoming user root: Operation not permitted");
    GW_EXPECT(become_user("no-such-user").error().kind == ErrorKind::kUsage);
    GW_EXPECT(!become({::geteuid(), ::getegid(), {0}}));  // more groups
    return {};
  };
  if (!os_test::in_child(body, os_test::kOrdinary)) os_test::in_child(body);
}

TEST_CASE("user: a half-changed process is seen") {
  os_test::in_child([]() -> std::string {
    if (::geteuid() != 0) return {};
    GW_EXPECT(::setresuid(0, 61234, 0) == 0);
    GW_EXPECT(current_identity().error().kind == ErrorKind::kInternal);
    // become() makes it whole.
    GW_EXPECT(::setresuid(0, 0, 0) == 0);
    GW_EXPECT(::setresgid(61234, 0, 0) == 0);
    GW_EXPECT(bool(become({61234, 61234, {61234}})));
    return {};
  });
}

TEST_CASE("user: capabilities by name and number") {
  CHECK(parse_capability("CAP_NET_BIND_SERVICE").value() == CAP_NET_BIND_SERVICE);
  CHECK(parse_capability("net_bind_service").value() == CAP_NET_BIND_SERVICE);
  CHECK(parse_capability("10").value() == 10);
  CHECK(parse_capability("0").value() == CAP_CHOWN);
  for (const char* bad : {"", "cap_", "net", "cap_63", "63", "-1", "1x", "cap_chown,cap_kill",
                          "cap_chown=ep", " chown", "010"}) {
    CAPTURE(bad);
    CHECK(parse_capability(bad).error().kind == ErrorKind::kUsage);
  }
  CHECK(parse_capability(std::string_view("chown\0x", 7)).error().kind == ErrorKind::kUsage);
  CHECK(capability_name(CAP_CHOWN) == "cap_chown");
  CHECK(last_capability() >= CAP_CHECKPOINT_RESTORE);
  CHECK(capability_name(last_capability() + 20) == std::to_string(last_capability() + 20));
}

TEST_CASE("user: resource limits by name") {
  const auto same = [](const Result<ResourceLimit>& l, int resource, std::uint64_t soft,
                       std::uint64_t hard) {
    return l && l->resource == resource && l->soft == soft && l->hard == hard;
  };
  CHECK(same(parse_resource_limit("nofile=1024"), RLIMIT_NOFILE, 1024, 1024));
  CHECK(same(parse_resource_limit("NOFILE=1024:4096"), RLIMIT_NOFILE, 1024, 4096));
  CHECK(same(parse_resource_limit("core=0:unlimited"), RLIMIT_CORE, 0, kUnlimited));
  CHECK(same(parse_resource_limit("memlock=infinity"), RLIMIT_MEMLOCK, kUnlimited, kUnlimited));
  for (const char* bad : {"", "nofile", "nofile=", "nofile=x", "nofile=2:1", "nofile=1:", "x=1",
                          "nofile=unlimited:5", "nofile=1:2:3", "nofile=-1", "=1"}) {
    CAPTURE(bad);
    CHECK(parse_resource_limit(bad).error().kind == ErrorKind::kUsage);
  }
}
