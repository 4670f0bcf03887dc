#include "buildd/catalog.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <thread>

#include "buildd/toolchains.h"
#include "support/build/modules.h"

using namespace gw;
using namespace gw::buildd;
using namespace gw::testing;

TEST_CASE("catalog: which files are a command's", "[catalog]") {
  for (const char* text :
       {"package main\n", "// c\n\n/* package x */ package main // y\n", "package main;func f(){}",
        "\xef\xbb\xbfpackage main", "//go:build linux\n\npackage main\n", "package\tmain/* x */"}) {
    INFO(text);
    CHECK(is_main_file(text));
  }
  for (const char* text : {"", "package mainly\n", "package x\n", "// package main\n",
                           "//go:build ignore\n\npackage main\n", "/* package main", "main"}) {
    INFO(text);
    CHECK_FALSE(is_main_file(text));
  }
}

TEST_CASE("catalog: commands, versions and queries of a module", "[catalog]") {
  Modules modules;
  modules.add("a.b/m", "v1.0.0", {{"lib.go", "package m\n"}});
  modules.add("a.b/m", "v1.1.0",
              {{"main.go", "package main\n"},
               {"cmd/x/gen.go", "//go:build ignore\n\npackage main\n"},
               {"cmd/x/x.go", "package main\n"},
               {"cmd/y/y_test.go", "package main\n"},
               {"lib/a.go", "package lib\n"},
               {"lib/b_amd64.syso", "object"},
               {"testdata/t/main.go", "package main\n"},
               {"_old/main.go", "package main\n"},
               {"vendor/v.w/main.go", "package main\n"}},
              "// Deprecated: use a.b/n.\nmodule a.b/m\n\nretract v1.0.0 // bad\n");
  Catalog catalog(*modules.store, modules.clock);
  const auto facts = catalog.facts("a.b/m", "v1.1.0").value();
  CHECK(facts->commands == std::vector<std::string>{"/", "/cmd/x"});
  CHECK(facts->object_files);
  CHECK(catalog.check_command("a.b/m", "v1.1.0", "/cmd/x"));
  const auto none = catalog.check_command("a.b/m", "v1.0.0", "/");
  CHECK(none.error().kind == ErrorKind::kNotFound);
  CHECK(none.error().message.find("not a main package") != std::string::npos);
  CHECK(catalog.check_command("a.b/m", "v1.2.0", "/").error().kind == ErrorKind::kNotFound);

  const auto versions = catalog.versions("a.b/m").value();
  CHECK(versions->versions == std::vector<std::string>{"v1.1.0", "v1.0.0"});
  CHECK(versions->retracted == std::vector<std::string>{"v1.0.0"});
  CHECK(versions->latest == "v1.1.0");
  CHECK(versions->deprecated == "use a.b/n.");

  // Kept for a minute.
  CHECK(catalog.resolve("a.b/m", "v1").value() == "v1.1.0");
  modules.add("a.b/m", "v1.2.0", {{"main.go", "package main\n"}});
  CHECK(catalog.resolve("a.b/m", "v1").value() == "v1.1.0");
  modules.clock.advance(std::chrono::seconds(60));
  CHECK(catalog.resolve("a.b/m", "v1").value() == "v1.2.0");
  CHECK(catalog.resolve("a.b/none", "latest").error().kind == ErrorKind::kNotFound);
}

TEST_CASE("toolchains: one asks which there are, and who comes meanwhile has an answer, too",
          "[toolchains]") {
  FakeClock clock(from_unix(1'800'000'000));
  std::atomic<int> asked = 0;
  std::atomic<bool> fails = false;
  std::promise<void> goes_on;
  auto wait = goes_on.get_future().share();
  std::promise<void> begun;
  Toolchains toolchains({[&]() -> Result<std::vector<std::string>> {
                           if (++asked == 1) begun.set_value();
                           wait.wait();
                           if (fails) return unavailable_error("down");
                           return {{"go1.26.1"}};
                         },
                         [](const std::string& /*v*/) -> Result<build::Toolchain> {
                           return unavailable_error("none");
                         }},
                        {}, clock);
  // With nothing yet they wait.
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  const auto ask = [&] { good += toolchains.offered().has_value() ? 1 : 0; };
  threads.emplace_back(ask);
  begun.get_future().wait();
  for (int i = 0; i < 3; ++i) threads.emplace_back(ask);
  goes_on.set_value();
  for (auto& t : threads) t.join();
  CHECK(good == 4);
  CHECK(asked == 1);
  // One that does not answer is asked once a minute.
  fails = true;
  clock.advance(std::chrono::minutes(2));
  for (int i = 0; i < 3; ++i) CHECK(toolchains.offered());
  CHECK(asked == 2);
}

TEST_CASE("toolchains: which are offered, each made ready once", "[toolchains]") {
  FakeClock clock(from_unix(1'800'000'000));
  int made = 0;
  bool fails = false;
  std::vector<std::string> all = {"go1.26.1", "go1.25.9", "go1.25.8", "go1.24.12"};
  const Toolchains::Source source{[&]() -> Result<std::vector<std::string>> {
                                    if (fails) return unavailable_error("down");
                                    return all;
                                  },
                                  [&](const std::string& version) -> Result<build::Toolchain> {
                                    if (fails) return unavailable_error("down");
                                    ++made;
                                    return build::Toolchain{version, "/go", {},
                                                            version, {},    "h1:x"};
                                  }};
  Toolchains toolchains(source, {}, clock);
  CHECK(toolchains.offered()->size() == 3);
  CHECK(toolchains.resolve("latest").value() == "go1.26.1");
  CHECK(toolchains.resolve("go1.25.latest").value() == "go1.25.9");
  CHECK(toolchains.resolve("go1.24.latest").error().kind == ErrorKind::kNotFound);
  CHECK(toolchains.is_supported("go1.25.8"));
  CHECK_FALSE(toolchains.is_supported("go1.24.12"));
  CHECK(toolchains.check("go1.24.12").error().kind == ErrorKind::kNotFound);
  fails = true;
  CHECK(toolchains.get("go1.26.1").error().kind == ErrorKind::kUnavailable);
  clock.advance(std::chrono::minutes(2));
  CHECK(toolchains.offered()->size() == 3);  // as it was
  fails = false;
  REQUIRE(toolchains.get("go1.26.1"));
  REQUIRE(toolchains.get("go1.26.1"));
  CHECK(made == 1);
  CHECK(toolchains.get("go1.24.12"));  // for a record of old
  CHECK(Toolchains(source, {"go1.24", ""}, clock).offered()->size() == 4);
  Toolchains some(source, {"go1.24", "go1.26.0"}, clock);
  CHECK(some.offered().value() == std::vector<std::string>{"go1.25.9", "go1.25.8", "go1.24.12"});
  CHECK(some.resolve("latest")->starts_with("go1.25"));
}

TEST_CASE("toolchains: what nobody uses may be taken away, and is made again", "[toolchains]") {
  FakeClock clock(from_unix(1'800'000'000));
  int made = 0;
  std::weak_ptr<const os::Fd> lock;
  Toolchains toolchains({[]() -> Result<std::vector<std::string>> { return {{"go1.26.1"}}; },
                         [&](const std::string& version) -> Result<build::Toolchain> {
                           ++made;
                           const auto held = std::make_shared<const os::Fd>();
                           lock = held;
                           return build::Toolchain{version, "/go", {}, version, held, "h1:x"};
                         }},
                        {}, clock);
  {
    const auto first = toolchains.get("go1.26.1");
    const auto second = toolchains.get("go1.26.1");
    CHECK(made == 1);
    CHECK(second.value().in_use == lock.lock());
  }
  CHECK(lock.expired());
  CHECK(toolchains.get("go1.26.1").value().goroot == "/go");
  CHECK(made == 2);
}

TEST_CASE("toolchains: one that was replaced in its place is another one", "[toolchains]") {
  const TempDir dir;
  FakeClock clock(from_unix(1'800'000'000));
  const auto put = [&](const std::string& text) {
    std::ofstream(dir.file("VERSION"), std::ios::trunc) << text;
  };
  put("go1.26.1");
  int made = 0;
  Toolchains toolchains({[]() -> Result<std::vector<std::string>> { return {{"go1.26.1"}}; },
                         [&](const std::string& version) -> Result<build::Toolchain> {
                           ++made;
                           return build::Toolchain{version, dir.path(), {}};
                         }},
                        {}, clock);
  const auto first = toolchains.get("go1.26.1");
  REQUIRE(first);
  CHECK(first->kept_as.starts_with("go1.26.1-"));
  CHECK(toolchains.get("go1.26.1")->kept_as == first->kept_as);
  CHECK(made == 1);
  put("go1.26.1\npatched");
  const auto second = toolchains.get("go1.26.1");
  REQUIRE(second);
  CHECK(second->kept_as != first->kept_as);
  CHECK(made == 2);
}

TEST_CASE("toolchains: what failed once is looked at again by the next process", "[toolchains]") {
  const TempDir dir;
  FakeClock clock(from_unix(1'800'000'000));
  const Logger logger{LogLevel::kError, [](std::string_view) {}};
  std::ofstream(dir.file("tried")) << "go1.26.1 h1:bad failed 2026-01-02T03:04:05Z differs\n";
  int builds = 0;
  ToolchainGate gate(
      dir.file("tried"),
      [&](const build::Toolchain& /*t*/, const std::vector<build::Key>& keys,
          bool /*second*/) -> Result<std::vector<std::string>> {
        ++builds;
        return std::vector<std::string>(keys.size(), "same");
      },
      clock, logger);
  std::string sum = "h1:bad";
  Toolchains toolchains({[]() -> Result<std::vector<std::string>> { return {{"go1.26.1"}}; },
                         [&](const std::string& version) -> Result<build::Toolchain> {
                           return build::Toolchain{version, "/go", {}, version, {}, sum};
                         }},
                        {}, clock, &gate);
  CHECK(toolchains.offered()->empty());
  CHECK(toolchains.untried() == std::vector<std::string>{"go1.26.1"});
  CHECK(toolchains.untried().empty());
  // The same one costs no build, and is refused as it was; another one in its place is tried.
  CHECK_FALSE(toolchains.get("go1.26.1"));
  CHECK(builds == 0);
  sum = "h1:good";
  CHECK(toolchains.get("go1.26.1"));
  CHECK(builds > 0);
  CHECK(toolchains.offered()->size() == 1);
}
