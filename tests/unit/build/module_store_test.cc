#include "build/module_store.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/build/modules.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;
using Kind = mod::ProxyRequest::Kind;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void spill(const std::string& path, const std::string& data) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << data;
}

}  // namespace

TEST_CASE("verified files are kept, and not fetched again") {
  Modules modules;
  modules.add("example.org/A", "v1.0.0", {{"a.go", "package a\n"}});
  CHECK(modules.store->gomod("example.org/A", "v1.0.0").value() == "module example.org/A\n");
  CHECK(modules.store->zip("example.org/A", "v1.0.0"));
  CHECK(modules.proxy.asked.size() == 2);
  CHECK(std::filesystem::exists(modules.store_dir.file("example.org/!a/@v/v1.0.0.zip")));
  modules.proxy.files.clear();
  modules.open();
  CHECK(modules.store->gomod("example.org/A", "v1.0.0"));
  CHECK(modules.store->zip("example.org/A", "v1.0.0"));
}

TEST_CASE("what a proxy changed is refused, and nothing of it is kept") {
  Modules modules;
  modules.add("example.org/a", "v1.0.0", {{"a.go", "package a\n"}});
  Modules other;
  other.add("example.org/a", "v1.0.0", {{"a.go", "package evil\n"}});
  for (const Kind kind : {Kind::kZip, Kind::kMod}) {
    const mod::ProxyRequest request{kind, "example.org/a", "v1.0.0"};
    const std::string path = Modules::path_of(request);
    for (const std::string& body : {other.proxy.files[path] + (kind == Kind::kMod ? "\n" : ""),
                                    std::string(), std::string("no zip")}) {
      modules.put(request, body);
      const auto error = kind == Kind::kZip
                             ? modules.store->zip("example.org/a", "v1.0.0").error()
                             : modules.store->gomod("example.org/a", "v1.0.0").error();
      CHECK(error.kind == ErrorKind::kUntrusted);
      CHECK(has(error.message, "example.org/a@v1.0.0: "));
      CHECK(!std::filesystem::exists(modules.store_dir.file(path)));
    }
  }
}

TEST_CASE("an edited store is found") {
  Modules modules;
  modules.add("example.org/a", "v1.0.0", {{"a.go", "package a\n"}});
  REQUIRE(modules.store->gomod("example.org/a", "v1.0.0"));
  REQUIRE(modules.store->zip("example.org/a", "v1.0.0"));
  modules.open();
  for (const Kind kind : {Kind::kZip, Kind::kMod}) {
    const std::string path =
        modules.store_dir.file(Modules::path_of({kind, "example.org/a", "v1.0.0"}));
    spill(path, "edited");
    const auto error = kind == Kind::kZip ? modules.store->zip("example.org/a", "v1.0.0").error()
                                          : modules.store->gomod("example.org/a", "v1.0.0").error();
    CHECK(error.kind == ErrorKind::kUntrusted);
    CHECK(has(error.message, "was changed since it was verified"));
    CHECK(has(error.message, path));
  }
}

TEST_CASE("a module that the checksum database does not know is not taken from a proxy") {
  Modules modules;
  modules.add("example.org/a", "v1.0.0", {});
  modules.log = TestLog();
  modules.log.add_synthetic(2);
  modules.open();
  const auto text = modules.store->gomod("example.org/a", "v1.0.0");
  REQUIRE(!text);
  CHECK(text.error().kind == ErrorKind::kNotFound);
  CHECK(has(text.error().message, "the checksum database has no record of it"));
  CHECK(!modules.store->zip("example.org/a", "v1.0.0"));
  CHECK(!std::filesystem::exists(modules.store_dir.file("example.org")));
}

TEST_CASE("a proxy's trouble stays what it is") {
  Modules modules;
  modules.add("example.org/a", "v1.0.0", {});
  modules.proxy.failures.emplace("example.org/a/@v/v1.0.0.zip", unavailable_error("503"));
  CHECK(modules.store->zip("example.org/a", "v1.0.0").error().kind == ErrorKind::kUnavailable);
  CHECK(modules.store->zip("example.org/b", "v1.0.0").error().kind == ErrorKind::kNotFound);
  CHECK(modules.store->info("example.org/a", "v1.0.0").value().version == "v1.0.0");
  modules.put({Kind::kInfo, "example.org/a", "v1.0.0"}, R"({"Version":"v2.0.0"})");
  CHECK(modules.store->info("example.org/a", "v1.0.0").error().kind == ErrorKind::kUntrusted);
}
