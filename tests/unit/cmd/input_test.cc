// Standard input: all of it, or an error.
#include "frame/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

namespace gw::cmd {
namespace {

// What is read while standard input is `fd`.
Result<std::string> read_from(int fd) {
  const int saved = ::dup(STDIN_FILENO);
  ::dup2(fd, STDIN_FILENO);
  auto text = read_standard_input();
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  return text;
}

TEST_CASE("standard input is read to its end") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "a\nb", 3) == 3);
  ::close(ends[1]);
  CHECK(read_from(ends[0]).value() == "a\nb");
  CHECK(read_from(ends[0]).value().empty());
  ::close(ends[0]);
  const int directory = ::open("/", O_RDONLY | O_DIRECTORY);
  const auto failed = read_from(directory);
  ::close(directory);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.starts_with("reading standard input"));
}

TEST_CASE("standard input has a limit") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const int fd = ::fileno(file);
  REQUIRE(::ftruncate(fd, 16 << 20) == 0);
  CHECK(read_from(fd).value().size() == std::size_t{16} << 20);
  REQUIRE(::ftruncate(fd, (16 << 20) + 1) == 0);
  REQUIRE(::lseek(fd, 0, SEEK_SET) == 0);
  const auto failed = read_from(fd);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().kind == ErrorKind::kUsage);
  std::fclose(file);
}

TEST_CASE("standard input is asked for once") {
  CHECK(check_one_dash(std::vector<std::string>{"a", "-", "--"}));
  CHECK(check_one_dash(std::vector<std::string>{}));
  CHECK(check_one_dash(std::vector<std::string>{"-", "a", "-"}).error().kind == ErrorKind::kUsage);
}

}  // namespace
}  // namespace gw::cmd
