#include "supervise/setup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::supervise;

TEST_CASE("a directory is made as a whole, or not at all", "[setup]") {
  const testing::TempDir temp;
  const std::string dir = temp.file("gw");
  REQUIRE(make_directory(dir + "/", {"[supervise]\n", "secret", "{}", "head\n"}));
  CHECK(*os::read_file(dir + "/supervise.toml", 100) == "[supervise]\n");
  CHECK(*os::read_file(dir + "/password", 100) == "secret\n");
  CHECK(*os::read_file(dir + "/state.json", 100) == "{}");
  CHECK(*os::read_file(dir + "/head", 100) == "head\n");
  struct stat info {};
  REQUIRE(::stat(dir.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0700U);
  REQUIRE(::stat((dir + "/password").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
  const auto again = make_directory(dir, {"", "", {}, {}});
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::kUsage);
  CHECK(*os::read_file(dir + "/password", 100) == "secret\n");
  CHECK(make_directory(temp.file("none/gw"), {}).error().kind == ErrorKind::kNotFound);
  CHECK(make_password_text() != make_password_text());
  CHECK(make_password_text().size() == 20);
}

TEST_CASE("what was installed goes again where its directory cannot be made", "[setup]") {
  const testing::TempDir temp;
  const auto install = [&]() -> Result<Installed> {
    GW_CHECK(os::write_file_atomic(temp.file("svc-v1"), "binary", 0755));
    if (::symlink("svc-v1", temp.file("svc").c_str()) != 0) return io_error("no link");
    return Installed{"svc-v1", "svc", "0abc", "head\n"};
  };
  SECTION("it can") {
    const Installed done =
        set_up(temp.file("gw"), {"", "secret", {}, {}}, temp.path(), install).value();
    CHECK(done.link == "svc");
    CHECK(*os::read_file(temp.file("gw/head"), 100) == "head\n");
    CHECK(os::file_exists(temp.file("svc")));
  }
  SECTION("it cannot") {
    const auto none = set_up(temp.file("none/gw"), {"", "secret", {}, {}}, temp.path(), install);
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == ErrorKind::kNotFound);
    CHECK_FALSE(os::file_exists(temp.file("svc-v1")));
    CHECK(::unlink(temp.file("svc").c_str()) != 0);
  }
  SECTION("nothing was installed: nothing is made") {
    const auto none = set_up(temp.file("gw"), {}, temp.path(), []() -> Result<Installed> {
      return untrusted_error("not the log's");
    });
    CHECK(none.error().kind == ErrorKind::kUntrusted);
    CHECK_FALSE(os::file_exists(temp.file("gw")));
  }
}

TEST_CASE("a unit's words are what they were", "[setup]") {
  const std::string unit = format_unit("svc", "/srv/a b", {"/a$b%/gwtool", "50%", "$HOME\"", "\\"});
  CHECK(unit.find("ExecStart=\"/a$b%%/gwtool\" \"50%%\" \"$$HOME\\\"\" \"\\\\\"\n") != unit.npos);
  CHECK(unit.find("KillMode=mixed\n") != unit.npos);
  CHECK(unit.find("WorkingDirectory=/srv/a b\n") != unit.npos);
  CHECK(format_unit("svc", "/srv/50%", {}).find("WorkingDirectory=/srv/50%%\n") != unit.npos);
}

TEST_CASE("what cannot be asked for", "[setup]") {
  Sources sources;
  CHECK(find_build("nodot", "", sources, system_clock()).error().kind == ErrorKind::kUsage);
  CHECK(find_build("example.org/x@main", "", sources, system_clock()).error().kind ==
        ErrorKind::kUsage);
  CHECK(find_build("example.org/x", "", sources, system_clock()).error().kind ==
        ErrorKind::kUsage);  // no proxy
}
