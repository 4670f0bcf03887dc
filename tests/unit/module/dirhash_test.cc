#include "module/dirhash.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "module/byte_source.h"
#include "support/module/file_tree.h"

using namespace gw;
using namespace gw::mod;
using gw::test::FileTree;

TEST_CASE("h1: of nothing is the hash of nothing") {
  CHECK(Hash1().finish() == "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST_CASE("h1: of a real go.mod is what the checksum database says") {
  // golang.org/x/sys v0.21.0
  CHECK(hash_gomod("module golang.org/x/sys\n\ngo 1.18\n") ==
        "h1:/VUhepiaJMQUp4+oa/7Zr1D23ma6VTLIYjOOTFZPUcA=");
}

TEST_CASE("files count by the order of their names' bytes, not by the order of adding") {
  const auto hash = [](std::vector<std::pair<std::string, std::string>> files) {
    Hash1 all;
    for (auto& [name, text] : files) REQUIRE(all.add(name, sha256(text)));
    return all.finish();
  };
  const std::string sorted =
      hash({{"m@v1.0.0/B", "1"}, {"m@v1.0.0/a-b", "2"}, {"m@v1.0.0/a/b", "3"}});
  CHECK(sorted == hash({{"m@v1.0.0/a/b", "3"}, {"m@v1.0.0/a-b", "2"}, {"m@v1.0.0/B", "1"}}));
  // printf '%s  %s\n' for each, as sha256sum prints them: computed with coreutils.
  CHECK(sorted == "h1:LqvYDcCeN9C1q3y0SdHoJFWnqMav8A6LscIB1zGQfkE=");
  CHECK(sorted != hash({{"m@v1.0.0/B", "1"}, {"m@v1.0.0/a-b", "3"}, {"m@v1.0.0/a/b", "2"}}));
}

TEST_CASE("a name with a line feed cannot pass for two") {
  Hash1 all;
  const auto status = all.add("a\nb", sha256(""));
  REQUIRE(!status);
  CHECK(status.error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("a directory has the hash of its files with the prefix in front") {
  const FileTree dir;
  dir.write("B", "1");
  dir.write("a-b", "2");
  dir.write("a/b", "3");
  std::filesystem::create_directories(dir / "empty/er");
  const auto hash = hash_directory(dir.fd(), "m@v1.0.0");
  REQUIRE(hash);
  CHECK(*hash == "h1:LqvYDcCeN9C1q3y0SdHoJFWnqMav8A6LscIB1zGQfkE=");

  SECTION("a large file is read to its end") {
    const std::string large(300'000, 'x');
    dir.write("large", large);
    Hash1 all;
    for (auto [name, text] : {std::pair("B", "1"), std::pair("a-b", "2"), std::pair("a/b", "3")}) {
      REQUIRE(all.add(std::string("m@v1.0.0/") + name, sha256(text)));
    }
    REQUIRE(all.add("m@v1.0.0/large", sha256(large)));
    CHECK(hash_directory(dir.fd(), "m@v1.0.0").value() == all.finish());
  }
  SECTION("a link is refused, to a file and to a directory") {
    for (const char* target : {"B", "a", "/", "nowhere"}) {
      std::filesystem::create_symlink(target, dir / "a/link");
      const auto refused = hash_directory(dir.fd(), "m@v1.0.0");
      REQUIRE(!refused);
      CHECK(refused.error().kind == ErrorKind::kUntrusted);
      CHECK(refused.error().message.find("link") != std::string::npos);
      std::filesystem::remove(dir / "a/link");
    }
  }
  SECTION("so is a pipe, without waiting for a writer") {
    REQUIRE(mkfifo((dir / "pipe").c_str(), 0600) == 0);
    CHECK(!hash_directory(dir.fd(), "m@v1.0.0"));
  }
}

TEST_CASE("sources give what is there and no more") {
  const MemorySource memory("0123456789");
  CHECK(memory.read_exactly(2, 3).value() == "234");
  CHECK(memory.read_exactly(10, 0).value().empty());
  CHECK(!memory.read_exactly(8, 3));
  CHECK(!memory.read_exactly(~0ULL, 2));
  char out[4] = {};
  CHECK(memory.read_at(8, out, 4).value() == 2);
  CHECK(memory.read_at(11, out, 4).value() == 0);

  const FileTree dir;
  dir.write("f", "0123456789");
  const int fd = open((dir / "f").c_str(), O_RDWR | O_CLOEXEC);
  const auto file = FdSource::of(fd);
  REQUIRE(file);
  CHECK(file->size() == 10);
  CHECK(file->read_exactly(2, 3).value() == "234");
  CHECK(!file->read_exactly(8, 3));
  REQUIRE(ftruncate(fd, 4) == 0);
  const auto shrunk = file->read_exactly(2, 3);
  REQUIRE(!shrunk);
  CHECK(shrunk.error().kind == ErrorKind::kUntrusted);
  close(fd);
  CHECK(!FdSource::of(dir.fd()));
}
