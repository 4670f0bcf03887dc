// Which directories somebody may change, by the modes of real ones; as root also with other owners.
#include "supervise/paths.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "supervise/unnamed_user.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::supervise;
namespace fs = std::filesystem;

namespace {

const os::User kJoe{"joe", "/", {61234, 61235, {61235, 61236}}};

bool writable(const std::string& path) {
  const auto checked = check_not_writable(kJoe, path);
  if (!checked) CHECK(checked.error().kind == ErrorKind::kUsage);
  return !checked;
}

}  // namespace

TEST_CASE("directories along a path", "[paths]") {
  const testing::TempDir temp;
  const std::string top = temp.file("top");
  const std::string low = top + "/a/b";
  fs::create_directories(low);
  for (const std::string& d : {top, top + "/a", low}) ::chmod(d.c_str(), 0755);
  CHECK_FALSE(writable(low));
  // each of them counts, and so does the sticky bit, but not for the last one
  for (const std::string& d : {top, top + "/a", low}) {
    INFO(d);
    ::chmod(d.c_str(), 0777);
    CHECK(writable(low));
    ::chmod(d.c_str(), 01777);
    CHECK(writable(low) == (d == low));
    ::chmod(d.c_str(), 0755);
  }
  // by a link, also one in a directory that is not his
  fs::create_symlink("a/b", top + "/link");
  fs::create_directory(temp.file("open"));
  fs::create_symlink(low, temp.file("open/link"));
  CHECK_FALSE(writable(top + "/link"));
  CHECK_FALSE(writable(temp.file("open/link")));
  CHECK_FALSE(writable(top + "/a/../link/../b/."));
  ::chmod(temp.file("open").c_str(), 0777);
  CHECK(writable(temp.file("open/link")));
  ::chmod(temp.file("open").c_str(), 0755);
  CHECK(check_not_writable(kJoe, low + "/none").error().kind != ErrorKind::kUsage);
  fs::create_symlink("round", top + "/round");
  CHECK(check_not_writable(kJoe, top + "/round").error().message.find("too many links") !=
        std::string::npos);
  CHECK(check_not_writable(os::User{"root", "/", {0, 0, {0}}}, low));
}

TEST_CASE("a way over links", "[paths]") {
  const testing::TempDir temp;
  const std::string top = temp.file("top");
  fs::create_directories(top + "/bin");
  fs::create_directories(top + "/links");
  for (const std::string& d : {top, top + "/bin", top + "/links"}) ::chmod(d.c_str(), 0755);
  fs::create_symlink("../bin/svc", top + "/links/svc");
  CHECK(check_way(kJoe, top + "/links/svc").error().kind != ErrorKind::kUsage);
  fs::create_symlink("/dev/null", top + "/bin/svc");
  CHECK(check_way(kJoe, top + "/links/svc"));  // what it leads to is everybody's
  for (const std::string& d : {top, top + "/bin", top + "/links"}) {
    INFO(d);
    ::chmod(d.c_str(), 0777);
    const auto checked = check_way(kJoe, top + "/links/svc");
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message.find(d + " may be written by user joe") != std::string::npos);
    ::chmod(d.c_str(), 0755);
  }
}

TEST_CASE("directories that he owns", "[paths]") {
  if (::geteuid() != 0) return;  // only root can give them away
  const testing::TempDir temp;
  const std::string top = temp.file("top");
  const std::string low = top + "/a";
  fs::create_directories(low);
  REQUIRE(::chown(top.c_str(), 61234, 0) == 0);
  CHECK(writable(low));
  ::chmod(top.c_str(), 01555);
  CHECK(writable(low));
  REQUIRE(::chown(top.c_str(), 0, 61236) == 0);
  ::chmod(top.c_str(), 0775);
  CHECK(writable(low));
  // the group's bits are his, whatever others may
  ::chmod(top.c_str(), 0757);
  CHECK_FALSE(writable(low));
  // his own file in a sticky directory is his to rename
  ::chmod(top.c_str(), 01777);
  CHECK_FALSE(writable(low));
  REQUIRE(::chown(top.c_str(), 0, 0) == 0);
  REQUIRE(::chown(low.c_str(), 61234, 0) == 0);
  CHECK(writable(low));
}

TEST_CASE("directories that he may go through", "[paths]") {
  const testing::TempDir temp;
  const std::string low = temp.file("a/b");
  fs::create_directories(low);
  ::chmod(temp.file("").c_str(), 0755);
  ::chmod(temp.file("a").c_str(), 0755);
  ::chmod(low.c_str(), 0755);
  CHECK(check_reachable(kJoe, low));
  for (const std::string& d : {temp.file("a"), low}) {
    ::chmod(d.c_str(), 0744);
    const auto checked = check_reachable(kJoe, low);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message.find("may not go through " + d) != std::string::npos);
    ::chmod(d.c_str(), 0755);
  }
}

TEST_CASE("numbers that a container has", "[paths]") {
  const char* host = "         0          0 4294967295\n";
  const char* one = "0 1000 1\n";
  const char* two = "0 1000 1\n1 100000 65536\n";
  CHECK(is_mapped(host, 61184));
  CHECK(is_mapped(one, 0));
  CHECK_FALSE(is_mapped(one, 1));
  CHECK(is_mapped(two, 65536));
  CHECK_FALSE(is_mapped(two, 65537));
  CHECK_FALSE(is_mapped("", 0));
  CHECK_FALSE(is_mapped("nonsense", 0));
}

TEST_CASE("a user of its own", "[paths]") {
  const auto first = unnamed_user("/srv/gw", {});
  if (!first) return;  // not root, or in a container of few numbers
  CHECK(first->identity.uid >= 61184);
  CHECK(first->identity.uid <= 65519);
  CHECK(first->identity.groups == std::vector<gid_t>{first->identity.gid});
  CHECK(unnamed_user("/srv/gw", {})->identity == first->identity);
  CHECK(unnamed_user("/srv/gw", {first->identity.uid})->identity.uid != first->identity.uid);
  CHECK(unnamed_user("/srv/other", {})->identity.uid != first->identity.uid);
}
