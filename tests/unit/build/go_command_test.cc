#include "build/go_command.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::build;

namespace {

using Texts = std::vector<std::string>;

Key command_key(std::string go_version) {
  return {.module = "filippo.io/age",
          .version = "v1.2.1",
          .dir = "/cmd/age",
          .target = {"darwin", "arm64"},
          .go_version = std::move(go_version)};
}

const GoPlaces kPlaces{"/go",    "/b/gopath", "/b/mod",     "/b/cache",
                       "/b/tmp", "/b/home",   "file:///b/p"};

bool holds(const Texts& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

TEST_CASE("the environment is made from nothing") {
  CHECK(go_environment(command_key("go1.26.8"), kPlaces) ==
        Texts{"CGO_ENABLED=0", "GO111MODULE=on", "GOARCH=arm64", "GOAUTH=off", "GOCACHE=/b/cache",
              "GOENV=off", "GOFLAGS=-mod=readonly", "GOMODCACHE=/b/mod", "GOOS=darwin",
              "GOPATH=/b/gopath", "GOPROXY=file:///b/p", "GOROOT=/go", "GOSUMDB=off",
              "GOTMPDIR=/b/tmp", "GOTOOLCHAIN=local", "GOVCS=*:off", "GOWORK=off", "HOME=/b/home"});
}

TEST_CASE("what older toolchains get besides, or not") {
  CHECK(holds(go_environment(command_key("go1.25.1"), kPlaces), "GO19CONCURRENTCOMPILATION=0"));
  CHECK(!holds(go_environment(command_key("go1.26rc1"), kPlaces), "GO19CONCURRENTCOMPILATION=0"));
  CHECK(holds(go_environment(command_key("go1.18"), kPlaces), "GOFLAGS=-mod=readonly"));
  CHECK(!holds(go_environment(command_key("go1.17.13"), kPlaces), "GOFLAGS=-mod=readonly"));
}

TEST_CASE("arguments") {
  Key key = command_key("go1.26.8");
  CHECK(build_arguments(key) == Texts{"go", "install", "-x", "-v", "-trimpath",
                                      "-ldflags=-buildid=", "--", "filippo.io/age/cmd/age@v1.2.1"});
  CHECK(fetch_arguments(key) == Texts{"go", "install", "-n", "-trimpath",
                                      "-ldflags=-buildid=", "--", "filippo.io/age/cmd/age@v1.2.1"});
  key.stripped = true;
  key.dir = "/";
  CHECK(build_arguments(key)[5] == "-ldflags=-buildid= -s");
  CHECK(build_arguments(key).back() == "filippo.io/age@v1.2.1");
  CHECK(build_arguments(command_key("go1.17"))[1] == "get");
  CHECK(build_arguments(command_key("go1.18"))[1] == "install");
}

TEST_CASE("go.env may set nothing that counts") {
  CHECK(check_go_env(""));
  CHECK(
      check_go_env("# a comment\n\nGOPROXY=https://proxy.golang.org,direct\n"
                   "GOSUMDB=sum.golang.org\n  GOTOOLCHAIN=auto"));
  for (const char* bad : {"GOAMD64=v3\n", "GOPROXY=x\nGOEXPERIMENT=x", "GOFLAGS=-tags=x", "word",
                          " GOFIPS140 = latest\n", "GOPROXYX=1"}) {
    INFO(bad);
    const auto s = check_go_env(bad);
    REQUIRE(!s);
    CHECK(s.error().kind == ErrorKind::kUsage);
  }
}
