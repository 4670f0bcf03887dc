#include "tlog/remembered_head.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "os/file.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::tlog;

TEST_CASE("the remembered head is a file of its own") {
  const testing::TempDir dir;
  const std::string path = remembered_head_path(dir.file("db"));
  CHECK(path == dir.file("db.check-head"));
  auto first = RememberedHead::open(path).value();
  CHECK_FALSE(first.note());
  CHECK_FALSE(os::file_exists(path));
  REQUIRE(first.save("note one\n").value());
  CHECK(first.note() == "note one\n");
  auto head = RememberedHead::open(path).value();
  CHECK(head.note() == "note one\n");
  REQUIRE(head.save("note two\n").value());
  CHECK(os::read_file(path, 100).value() == "note two\n");
}

TEST_CASE("a remembered head that another call replaced is not replaced before it is looked at") {
  const testing::TempDir dir;
  const std::string path = dir.file("head");
  auto slow = RememberedHead::open(path).value();
  auto quick = RememberedHead::open(path).value();
  REQUIRE(quick.save("note of 20\n").value());
  CHECK_FALSE(slow.save("note of 10\n").value());
  CHECK(slow.note() == "note of 20\n");
  CHECK(os::read_file(path, 100).value() == "note of 20\n");
  CHECK(slow.save("note of 30\n").value());
  CHECK(os::read_file(path, 100).value() == "note of 30\n");
}

TEST_CASE("a remembered head that cannot be read is no empty one") {
  const testing::TempDir dir;
  std::ofstream(dir.file("big")) << std::string((1 << 20) + 1, 'x');
  CHECK_FALSE(RememberedHead::open(dir.file("big")));
  CHECK_FALSE(RememberedHead::open(dir.file("none/at/all")).value().save("note\n"));
}
