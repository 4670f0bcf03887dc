#include "build/target.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <type_traits>

using namespace gw;
using namespace gw::build;

TEST_CASE("the targets are those of Go, five of which need C") {
  const auto all = known_targets();
  CHECK(all.size() == 47);
  CHECK(std::count_if(all.begin(), all.end(), [](const auto& t) { return t.needs_cgo; }) == 5);
  CHECK(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::pair(a.goos, a.goarch) < std::pair(b.goos, b.goarch);
  }));
  for (const KnownTarget& t : all) {
    const std::string text = std::string(t.goos) + "/" + std::string(t.goarch);
    INFO(text);
    const auto target = parse_target(text);
    REQUIRE(target);
    CHECK(format_target(*target) == text);
    CHECK(needs_cgo(*target) == t.needs_cgo);
  }
}

TEST_CASE("a target that is none is refused, with what there is") {
  struct {
    const char* text;
    const char* hint;
  } const cases[] = {{"linux/vax", "linux/amd64 linux/arm "},
                     {"beos/arm64", "android/arm64 darwin/arm64"},
                     // Without those that nothing is built for.
                     {"android/vax", "there is android/arm64"},
                     {"ios/vax", "GOOS/GOARCH"},
                     {"linux", "linux/386"},
                     {"", "GOOS/GOARCH"},
                     {"linux-amd64", "GOOS/GOARCH"},
                     {"linux/amd64/", "linux/amd64"},
                     {"Linux/AMD64", "GOOS/GOARCH"}};
  for (const auto& c : cases) {
    INFO(c.text);
    const auto target = parse_target(c.text);
    REQUIRE(!target);
    CHECK(target.error().kind == ErrorKind::kUsage);
    CHECK(target.error().hint.find(c.hint) != std::string::npos);
  }
}

TEST_CASE("this machine is a target") { CHECK(parse_target(format_target(host_target()))); }
