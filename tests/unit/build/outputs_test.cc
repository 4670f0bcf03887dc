#include "build/outputs.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;

namespace {

Key key_of(const std::string& module, const std::string& goos = "linux") {
  return {.module = module,
          .version = "v1.0.0",
          .dir = "/",
          .target = {goos, "amd64"},
          .go_version = "go1.26.8"};
}

}  // namespace

TEST_CASE("binaries go where they are wanted, under names that tell them apart") {
  const testing::TempDir dir;
  const std::vector<Key> one = {key_of("a.b/c")};
  const std::vector<Key> two = {key_of("a.b/c"), key_of("a.b/c", "windows")};
  const auto path_of = [&](const std::string& to, const std::vector<Key>& keys) {
    const auto out = plan_outputs(to, keys);
    return out ? out->back().path() : "error: " + out.error().message;
  };
  CHECK(path_of("", one) == "c-v1.0.0-go1.26.8");
  CHECK(path_of("", two) == "c-v1.0.0-windows-amd64-go1.26.8.exe");
  CHECK(path_of(dir.path(), one) == dir.file("c-v1.0.0-go1.26.8"));
  CHECK(path_of(dir.file("x"), one) == dir.file("x"));
  CHECK(!std::filesystem::exists(dir.file("x")));
  CHECK(name_outputs(dir.file("new/er/"), one)->back().path() ==
        dir.file("new/er/c-v1.0.0-go1.26.8"));
  CHECK(!std::filesystem::exists(dir.file("new")));
  CHECK(path_of(dir.file("new/er/"), one) == dir.file("new/er/c-v1.0.0-go1.26.8"));
  CHECK(std::filesystem::is_directory(dir.file("new/er")));
}

TEST_CASE("what cannot be told apart, or has no place, is refused before anything is built") {
  const testing::TempDir dir;
  const std::vector<Key> two = {key_of("a.b/c"), key_of("a.b/c", "windows")};
  const std::vector<Key> same = {key_of("a.b/c"), key_of("d.e/c")};
  const auto refused = [](const std::string& to, const std::vector<Key>& keys) {
    const auto out = plan_outputs(to, keys);
    return !out && out.error().kind == ErrorKind::kUsage;
  };
  CHECK(refused(dir.file("x"), two));
  CHECK(plan_outputs(dir.file("x"), {})->empty());
  CHECK(check_output(dir.file("x"), 2).error().kind == ErrorKind::kUsage);
  for (const std::string& to : {dir.path(), dir.file("x/"), std::string()}) {
    CHECK(check_output(to, 2));
  }
  CHECK(check_output(dir.file("x"), 1));
  CHECK(refused(dir.path(), same));
  CHECK(refused(dir.file("no/x"), {key_of("a.b/c")}));
  CHECK(refused(dir.file("no/.."), {key_of("a.b/c")}));
  // What is there and no file is not replaced, though root could.
  REQUIRE(::mkfifo(dir.file("pipe").c_str(), 0600) == 0);
  CHECK(refused(dir.file("pipe"), {key_of("a.b/c")}));
  std::filesystem::create_directories(dir.file("dist/" + binary_name(key_of("a.b/c"))));
  CHECK(refused(dir.file("dist"), {key_of("a.b/c")}));
  std::ofstream(dir.file("file")) << "x";
  CHECK(plan_outputs(dir.file("file") + "/", two).error().kind == ErrorKind::kIo);
}
