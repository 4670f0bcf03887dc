#include "buildd/toolchain_gate.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "build/builder.h"
#include "buildd/toolchains.h"
#include "module/zip.h"
#include "support/build/modules.h"

using namespace gw;
using namespace gw::buildd;
using namespace gw::testing;

namespace {

std::string slurp_file(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// Builds nothing: what a build gives is what the test says.
struct GateLab {
  ToolchainGate make() {
    return {file,
            [this](const build::Toolchain& toolchain, const std::vector<build::Key>& keys,
                   bool second) -> Result<std::vector<std::string>> {
              std::vector<std::string> out;
              for (const build::Key& key : keys) {
                ++builds;
                GW_TRY(std::string sum, answer(toolchain, key, second));
                out.push_back(std::move(sum));
              }
              return out;
            },
            clock, logger};
  }
  using Answer =
      std::function<Result<std::string>(const build::Toolchain&, const build::Key&, bool second)>;
  static Result<std::string> good(const build::Toolchain& /*t*/, const build::Key& key,
                                  bool /*second*/) {
    return build::format_key(key);
  }
  static build::Toolchain toolchain(const std::string& version = "go1.26.8",
                                    const std::string& sum = "h1:a") {
    build::Toolchain out;
    out.go_version = version;
    out.goroot = "/nowhere";
    out.sum = sum;
    return out;
  }
  TempDir dir;
  std::string file = dir.file("toolchains");
  FakeClock clock{from_unix(1'800'000'000)};
  Logger logger{LogLevel::kError, [](std::string_view) {}};
  Answer answer = good;
  int builds = 0;
};

build::Toolchain at(const std::string& goroot) {
  build::Toolchain out;
  out.go_version = "go1.26.8";
  out.goroot = goroot;
  return out;
}

Error build_failure() {
  Error error = not_found_error("undefined symbol");
  error.detail = std::make_shared<build::BuildFailure>(build::Reason::kUndefined, "");
  return error;
}

}  // namespace

TEST_CASE("a toolchain is tried once, with each program twice, also over restarts") {
  GateLab lab;
  const int all = 2 * static_cast<int>(gate_keys("go1.26.8").size());
  {
    ToolchainGate gate = lab.make();
    CHECK_FALSE(gate.find("go1.26.8"));
    CHECK(gate.pass(GateLab::toolchain()));
    CHECK(lab.builds == all);
    CHECK(gate.pass(GateLab::toolchain()));
    CHECK(lab.builds == all);
    CHECK(gate.find("go1.26.8")->passed);
  }
  ToolchainGate gate = lab.make();
  CHECK(gate.pass(GateLab::toolchain()));
  CHECK(lab.builds == all);
  CHECK(gate.all().size() == 1);
  // Another one of the same name is another one.
  CHECK(gate.pass(GateLab::toolchain("go1.26.8", "h1:b")));
  CHECK(lab.builds == 2 * all);
  CHECK(gate.all().size() == 1);
  CHECK(gate.find("go1.26.8")->sum == "h1:b");
}

TEST_CASE("who reads of a toolchain in the log finds it remembered") {
  GateLab lab;
  std::vector<std::string> found;
  ToolchainGate* gate = nullptr;
  lab.logger = Logger(LogLevel::kInfo, [&](std::string_view line) {
    const auto tried = gate->find("go1.26.8");
    found.push_back(std::string(line.substr(0, line.find(" go="))) + (!tried ? ", unknown"
                                                                      : tried->passed
                                                                          ? ", passed"
                                                                          : ", refused"));
  });
  ToolchainGate made = lab.make();
  gate = &made;
  CHECK(made.pass(GateLab::toolchain()));
  lab.answer = [](const build::Toolchain&, const build::Key&, bool) -> Result<std::string> {
    return build_failure();
  };
  CHECK_FALSE(made.pass(GateLab::toolchain("go1.26.8", "h1:b")));
  CHECK(found == std::vector<std::string>{"level=info event=\"toolchain passed\", passed",
                                          "level=error event=\"toolchain refused\", refused"});
}

TEST_CASE("a toolchain without a sum is known by its files, or tried each time") {
  GateLab lab;
  const int all = 2 * static_cast<int>(gate_keys("go1.26.8").size());
  build::Toolchain local = GateLab::toolchain("go1.26.8", "");
  local.kept_as = "go1.26.8-0123";
  ToolchainGate gate = lab.make();
  CHECK(gate.pass(local));
  CHECK(gate.pass(local));
  CHECK(lab.builds == all);
  CHECK(gate.find("go1.26.8")->sum == "go1.26.8-0123");
  local.kept_as.clear();
  CHECK(gate.pass(local));
  CHECK(gate.pass(local));
  CHECK(lab.builds == 3 * all);
  CHECK(gate.find("go1.26.8")->sum == "go1.26.8-0123");
}

TEST_CASE("one whose builds differ, or that builds nothing, is refused until somebody forgets it") {
  GateLab lab;
  const auto differs = [](const build::Toolchain& /*t*/, const build::Key& key,
                          bool second) -> Result<std::string> {
    return build::format_target(key.target) + (second ? " other" : "");
  };
  const auto fails = [](const build::Toolchain& /*t*/, const build::Key& /*key*/,
                        bool /*second*/) -> Result<std::string> { return build_failure(); };
  const auto odd = [](const build::Toolchain& /*t*/, const build::Key& /*key*/,
                      bool /*second*/) -> Result<std::string> {
    return internal_error("the binary says go1.99");
  };
  int i = 0;
  for (const GateLab::Answer& answer :
       {GateLab::Answer(differs), GateLab::Answer(fails), GateLab::Answer(odd)}) {
    const std::string version = "go1.26." + std::to_string(++i);
    lab.answer = answer;
    ToolchainGate gate = lab.make();
    const Status refused = gate.pass(GateLab::toolchain(version));
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::kUntrusted);
    CHECK(refused.error().message.find(version + " was tried and failed: ") != std::string::npos);
    lab.answer = GateLab::good;
    const int before = lab.builds;
    CHECK_FALSE(lab.make().pass(GateLab::toolchain(version)));
    CHECK(lab.builds == before);
    CHECK(gate.forget(version).value());
    CHECK_FALSE(gate.forget(version).value());
    CHECK(lab.make().pass(GateLab::toolchain(version)));
  }
}

TEST_CASE("what is not the toolchain's fault is tried again, and so is what the file lost") {
  GateLab lab;
  lab.answer = [](const build::Toolchain& /*t*/, const build::Key& /*key*/,
                  bool second) -> Result<std::string> {
    return second ? Result<std::string>(unavailable_error("the disk is full")) : std::string("x");
  };
  ToolchainGate gate = lab.make();
  CHECK(gate.pass(GateLab::toolchain()).error().kind == ErrorKind::kUnavailable);
  CHECK(gate.all().empty());
  // A limit may be this machine's, and so may what nobody knows the reason of.
  for (const build::Reason reason :
       {build::Reason::kTimeLimit, build::Reason::kMemoryLimit, build::Reason::kUnknown}) {
    lab.answer = [reason](const build::Toolchain& /*t*/, const build::Key& /*key*/,
                          bool /*second*/) -> Result<std::string> {
      Error error = build_failure();
      error.detail = std::make_shared<build::BuildFailure>(reason, "");
      return error;
    };
    CHECK(gate.pass(GateLab::toolchain()).error().kind == ErrorKind::kUnavailable);
    CHECK(gate.all().empty());
  }
  lab.answer = GateLab::good;
  CHECK(gate.pass(GateLab::toolchain()));
  for (const char* text : {"", "go1.26.8\n", "go1.26.8 h1:a maybe now why\n", "\n\n  \n"}) {
    std::ofstream(lab.file) << text;
    CHECK(lab.make().all().empty());
  }
}

TEST_CASE("`latest` is none that failed, and none that is new as long as one was tried") {
  GateLab lab;
  ToolchainGate gate = lab.make();
  std::vector<std::string> there = {"go1.26.8", "go1.26.7", "go1.25.3"};
  Toolchains toolchains({[&] { return Result<std::vector<std::string>>(there); },
                         [](const std::string& version) -> Result<build::Toolchain> {
                           return GateLab::toolchain(version, "h1:" + version);
                         }},
                        {}, lab.clock, &gate);
  CHECK(toolchains.untried() == std::vector<std::string>{"go1.26.8", "go1.25.3"});
  CHECK(toolchains.resolve("latest").value() == "go1.26.8");
  CHECK(toolchains.get("go1.25.3"));
  CHECK(toolchains.resolve("latest").value() == "go1.25.3");
  CHECK(toolchains.resolve("go1.26.latest").value() == "go1.26.8");
  CHECK(toolchains.get("go1.26.7"));
  CHECK(toolchains.resolve("latest").value() == "go1.26.7");
  lab.answer = [](const build::Toolchain& /*t*/, const build::Key& /*key*/,
                  bool second) -> Result<std::string> { return std::string(second ? "a" : "b"); };
  CHECK(toolchains.get("go1.26.8").error().kind == ErrorKind::kUntrusted);
  CHECK(toolchains.offered().value() == std::vector<std::string>{"go1.26.7", "go1.25.3"});
  CHECK_FALSE(toolchains.check("go1.26.8"));
  CHECK(toolchains.untried().empty());
}

TEST_CASE("what is built is what tests/data/gate has, and the zip is one") {
  const std::string bytes = gate_zip();
  const mod::MemorySource source(bytes);
  auto zip = mod::ModuleZip::open(source, "gwtool.invalid/gate", "v1.0.0");
  REQUIRE(zip);
  REQUIRE(zip->files().size() == 3);
  for (const auto& file : zip->files()) {
    CHECK(zip->read(file.name, 1 << 16).value() ==
          slurp_file(std::string(GW_TEST_DATA) + "/gate/" + std::string(file.name)));
  }
}

TEST_CASE("a toolchain is tried in the sandbox's way, with nothing kept from the first build") {
  // A shell script in the place of the go command, which "compiles" differently in the second
  // directory, or the same.
  const TempDir dir;
  const auto cache = build::Cache::open(dir.file("cache")).value();
  const os::Stop stop;
  std::filesystem::create_directories(dir.file("go/bin"));
  const auto script = [&](const std::string& output) {
    std::ofstream(dir.file("go/bin/go"))
        << "#!/bin/sh\n[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\n"
           "mkdir -p $GOPATH/bin/js_wasm\necho " +
               output + " >$GOPATH/bin/js_wasm/plain\n";
    std::filesystem::permissions(dir.file("go/bin/go"), std::filesystem::perms(0755));
  };
  const auto build = gate_build({cache, build::SandboxMode::kOff, {}, nullptr, stop});
  const std::vector<build::Key> plain = {gate_keys("go1.26.8")[0]};
  const build::Toolchain toolchain = at(dir.file("go"));
  script("same");
  const auto first = build(toolchain, plain, false);
  INFO((first ? "" : first.error().message));
  REQUIRE(first);
  CHECK(build(toolchain, plain, true).value() == *first);
  // Nor is anything kept of a toolchain that was not found good yet.
  for (const std::string& kept : {cache.standard_library(), cache.packages()}) {
    CHECK((!std::filesystem::exists(kept) || std::filesystem::is_empty(kept)));
  }
  script("$GOPATH");
  CHECK(build(toolchain, plain, false).value() != build(toolchain, plain, true).value());
}
