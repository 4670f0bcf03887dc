#include "tlog/remembered_head.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::tlog;

TEST_CASE("the remembered head is a file of its own") {
  const testing::TempDir dir;
  const std::string path = remembered_head_path(dir.file("db"));
  CHECK(path == dir.file("db.check-head"));
  {
    auto head = RememberedHead::open(path).value();
    CHECK_FALSE(head.note());
    CHECK_FALSE(os::file_exists(path));
    REQUIRE(head.save("note one\n"));
    CHECK(head.note() == "note one\n");
    CHECK(RememberedHead::open(path).error().kind == ErrorKind::kUnavailable);
  }
  auto head = RememberedHead::open(path).value();
  CHECK(head.note() == "note one\n");
  REQUIRE(head.save("note two\n"));
  CHECK(os::read_file(path, 100).value() == "note two\n");
}

TEST_CASE("a remembered head that cannot be read is no empty one") {
  const testing::TempDir dir;
  std::ofstream(dir.file("big")) << std::string((1 << 20) + 1, 'x');
  CHECK_FALSE(RememberedHead::open(dir.file("big")));
  CHECK(RememberedHead::open(dir.file("none/at/all")).error().kind == ErrorKind::kIo);
}
