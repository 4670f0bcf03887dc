#include "build/resolve.h"

#include <catch2/catch.hpp>

#include "module/goversion.h"
#include "support/build/modules.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;
using Kind = mod::ProxyRequest::Kind;
using Texts = std::vector<std::string>;

namespace {

std::string version_of(Modules& modules, const std::string& module, const std::string& query) {
  const auto found = resolve_version(*modules.store, module, query);
  return found ? *found : "error: " + found.error().message;
}

std::string found(Modules& modules, const std::string& text) {
  const auto request = parse_request(text);
  if (!request) return "bad request: " + request.error().message;
  const auto r = resolve(*modules.store, *request);
  return r ? r->module + " " + r->version + " " + r->dir : "error: " + r.error().message;
}

const ModuleFile kMain{"main.go", "package main\nfunc main() {}\n"};

}  // namespace

TEST_CASE("requests as people write them") {
  const auto parsed = [](std::string_view text) {
    const auto r = parse_request(text);
    return r ? r->path + " " + r->query : std::string(error_kind_name(r.error().kind));
  };
  CHECK(parsed("filippo.io/age/cmd/age@v1.2.1") == "filippo.io/age/cmd/age v1.2.1");
  CHECK(parsed("filippo.io/age") == "filippo.io/age latest");
  CHECK(parsed("a.b/c@feature/x") == "a.b/c feature/x");
  for (const char* bad : {"", "age", "fmt@v1.0.0", "../a.b/c", "/etc/a.b", "a.b/...", "a.b/c/",
                          "a.b/c@", "a.b@upgrade", "a.b/c@none", "a.b/c@patch", "a.b/c@>=v1.0.0",
                          "a.b/c@<v2", "a b.c/d", "a.b//c", "./a.b"}) {
    INFO(bad);
    CHECK(parsed(bad) == error_kind_name(ErrorKind::kUsage));
  }
}

TEST_CASE("the module paths that a package may be in") {
  CHECK(candidate_modules("a.b/c/d") == Texts{"a.b/c/d", "a.b/c", "a.b"});
  CHECK(candidate_modules("a.b/c/v2/d") == Texts{"a.b/c/v2/d", "a.b/c/v2", "a.b/c", "a.b"});
  CHECK(candidate_modules("a.b/c/v1/d") == Texts{"a.b/c/v1/d", "a.b/c", "a.b"});
  CHECK(candidate_modules("gopkg.in/yaml.v3/x") == Texts{"gopkg.in/yaml.v3", "gopkg.in"});
}

TEST_CASE("latest") {
  Modules modules;
  const std::string m = "a.b/c";
  modules.add(m, "v0.9.0", {});
  modules.add(m, "v1.0.0-rc1", {});
  CHECK(version_of(modules, m, "latest") == "v0.9.0");
  modules.add(m, "v1.0.0", {});
  modules.add(m, "v1.1.0-beta", {});
  CHECK(version_of(modules, m, "latest") == "v1.0.0");
  CHECK(version_of(modules, m, "v0") == "v0.9.0");
  CHECK(version_of(modules, m, "v1") == "v1.0.0");
  CHECK(version_of(modules, m, "v1.1") == "v1.1.0-beta");
  CHECK(version_of(modules, m, "v1.2").find("no matching versions") != std::string::npos);
  // A newer one retracts itself and another.
  modules.add(m, "v1.2.0", {}, "module a.b/c\nretract v1.2.0\nretract [v1.0.0, v1.0.9]\n");
  CHECK(version_of(modules, m, "latest") == "v0.9.0");
  CHECK(version_of(modules, m, "v1") == "v1.1.0-beta");
  // A canonical version is what it is.
  CHECK(version_of(modules, m, "v1.2.0") == "v1.2.0");
  modules.add(m, "v1.3.0", {}, "module a.b/c\nretract [v0.0.0, v1.3.0]\n");
  CHECK(version_of(modules, m, "latest").find("no matching versions: all are retracted") !=
        std::string::npos);
}

TEST_CASE("latest: only prereleases, no versions, old majors") {
  Modules modules;
  modules.add("a.b/pre", "v0.1.0-a", {});
  modules.add("a.b/pre", "v0.1.0-b", {});
  CHECK(version_of(modules, "a.b/pre", "latest") == "v0.1.0-b");

  const std::string pseudo = "v0.0.0-20250915201037-7f05d217867b";
  modules.put({Kind::kList, "a.b/none", {}}, "");
  modules.put({Kind::kLatest, "a.b/none", {}}, R"({"Version":")" + pseudo + "\"}");
  CHECK(version_of(modules, "a.b/none", "latest") == pseudo);
  modules.put({Kind::kList, "a.b/listed", {}}, pseudo + "\n");
  CHECK(version_of(modules, "a.b/listed", "latest") == pseudo);
  CHECK(version_of(modules, "a.b/unknown", "latest").find("404") != std::string::npos);

  modules.add("a.b/old", "v1.0.0", {{"a.go", "package a\n"}}, "none");
  modules.add("a.b/old", "v2.0.0+incompatible", {{"a.go", "package a\n"}}, "none");
  CHECK(version_of(modules, "a.b/old", "latest") == "v2.0.0+incompatible");
  modules.add("a.b/old", "v1.1.0", {});
  CHECK(version_of(modules, "a.b/old", "latest") == "v1.1.0");
}

TEST_CASE("branches and commits are the proxy's to know, versions that do not exist nobody's") {
  Modules modules;
  modules.add("a.b/c", "v1.0.0", {});
  modules.put({Kind::kInfo, "a.b/c", "main"}, R"({"Version":"v1.0.0"})");
  CHECK(version_of(modules, "a.b/c", "main") == "v1.0.0");
  CHECK(version_of(modules, "a.b/c", "v1.0.1").find("404") != std::string::npos);
  CHECK(version_of(modules, "a.b/c", "v3.0.0").find("error: ") == 0);
  CHECK(version_of(modules, "a.b/c", "v1.0.0") == "v1.0.0");
}

TEST_CASE("of the modules that a path may be in the longest with the package is taken") {
  Modules modules;
  modules.add("a.b/c", "v1.0.0", {kMain, {"cmd/x/main.go", "package main\n"}, {"doc/a.txt", "x"}});
  modules.add("a.b/c/cmd/y", "v1.0.0", {kMain});
  modules.add("a.b/c/v2", "v2.0.0", {{"cmd/x/main.go", "package main\n"}});
  CHECK(found(modules, "a.b/c@v1.0.0") == "a.b/c v1.0.0 /");
  CHECK(found(modules, "a.b/c/cmd/x@v1.0.0") == "a.b/c v1.0.0 /cmd/x");
  CHECK(found(modules, "a.b/c/cmd/x") == "a.b/c v1.0.0 /cmd/x");
  CHECK(found(modules, "a.b/c/cmd/y") == "a.b/c/cmd/y v1.0.0 /");
  CHECK(found(modules, "a.b/c/v2/cmd/x@v2.0.0") == "a.b/c/v2 v2.0.0 /cmd/x");
  CHECK(found(modules, "a.b/c/doc@v1.0.0").find("a.b/c@v1.0.0 has no such package") !=
        std::string::npos);
  CHECK(found(modules, "a.b/c/cmd@v1.0.0").find("no such package") != std::string::npos);
  CHECK(found(modules, "a.b/d@v1.0.0").find("error: ") == 0);
  // A proxy that is down is not one that has nothing.
  modules.proxy.failures.emplace("a.b/c/cmd/x/@v/v1.0.0.mod", unavailable_error("503"));
  CHECK(found(modules, "a.b/c/cmd/x@v1.0.0") == "error: a.b/c/cmd/x@v1.0.0: 503");
}

TEST_CASE("Go releases: as Go versions, for the platform, confirmed") {
  CHECK(go_releases({"v0.0.1-go1.9.2.linux-amd64", "v0.0.1-go1.27rc1.linux-amd64",
                     "v0.0.1-go1.26.10.linux-amd64", "v0.0.1-go1.26.9.linux-amd64",
                     "v0.0.1-go1.99.0.windows-amd64", "v1.0.0", "v0.0.1-x"},
                    "linux-amd64") == Texts{"go1.26.10", "go1.26.9", "go1.9.2"});
  Modules modules;
  const std::string m(mod::kToolchainModule);
  modules.put({Kind::kList, m, {}}, "v0.0.1-go1.26.8.linux-amd64\nv0.0.1-go1.26.10.linux-amd64\n");
  modules.put({Kind::kInfo, m, "v0.0.1-go1.26.8.linux-amd64"},
              R"({"Version":"v0.0.1-go1.26.8.linux-amd64"})");
  CHECK(resolve_go_version(*modules.store, "linux-amd64").value() == "go1.26.8");
  CHECK(resolve_go_version(*modules.store, "linux-arm64").error().kind == ErrorKind::kNotFound);
  // Not from a version on, or of one line only.
  modules.put({Kind::kList, m, {}},
              "v0.0.1-go1.26.8.linux-amd64\nv0.0.1-go1.27.1.linux-amd64\n"
              "v0.0.1-go1.27.0.linux-amd64\n");
  for (const char* version : {"v0.0.1-go1.27.1.linux-amd64", "v0.0.1-go1.27.0.linux-amd64"}) {
    modules.put({Kind::kInfo, m, version}, std::string(R"({"Version":")") + version + "\"}");
  }
  const auto go = [&](const GoQuery& query) {
    return resolve_go_version(*modules.store, "linux-amd64", query).value_or("none");
  };
  CHECK(go({}) == "go1.27.1");
  CHECK(go({.stop_before = "go1.27.1"}) == "go1.27.0");
  CHECK(go({.stop_before = "go1.27"}) == "go1.26.8");
  CHECK(go({.stop_before = "go1.26"}) == "none");
  CHECK(go({.line = "go1.26"}) == "go1.26.8");
  CHECK(go({.line = "go1.27", .stop_before = "go1.27.1"}) == "go1.27.0");
  CHECK(go({.line = "go1.28"}) == "none");
}

TEST_CASE("what is a query, and what says itself which one is meant") {
  for (const char* query : {"latest", "v1", "v1.2", "v1.2.3+meta", "main"}) {
    CAPTURE(query);
    CHECK(is_version_query(query));
  }
  CHECK_FALSE(is_version_query("v1.2.3"));
  CHECK_FALSE(is_version_query("v1.2.3+incompatible"));
  CHECK(is_go_query("latest"));
  CHECK(is_go_query("go1.26.latest"));
  CHECK_FALSE(is_go_query("go1.26.8"));
  CHECK_FALSE(is_go_query("go1.026.latest"));
}

TEST_CASE("a line of Go versions") {
  CHECK(go_line_of_latest("go1.26.latest") == "go1.26");
  for (const char* bad : {"latest", "go1.26", "go1.26.8.latest", "go1.26rc1.latest", "go2.latest",
                          ".latest", "go1.latest"}) {
    CAPTURE(bad);
    CHECK(go_line_of_latest(bad).empty());
  }
  CHECK(matches({}, "go1.26.8"));
  CHECK(!matches({}, "latest"));
}

TEST_CASE("retractions") {
  const std::vector<mod::GoModRetract> r = {{"v1.0.0", "v1.2.0", "", 1},
                                            {"v2.0.0", "v2.0.0", "", 2}};
  CHECK(is_retracted(r, "v1.0.0"));
  CHECK(is_retracted(r, "v1.2.0-rc1"));
  CHECK(is_retracted(r, "v2.0.0"));
  CHECK(!is_retracted(r, "v1.2.1"));
  CHECK(!is_retracted(r, "v1.0.0-rc1"));
  CHECK(!is_retracted({}, "v1.0.0"));
}
