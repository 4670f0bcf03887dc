#include "build/builder.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "build/kept_packages.h"
#include "module/byte_source.h"
#include "support/build/modules.h"
#include "support/module/program_builder.h"
#include "support/os/as_user.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;

namespace {

namespace fs = std::filesystem;

Key key() {
  return {.module = "a.b/main",
          .version = "v1.0.0",
          .dir = "/",
          .target = {"js", "wasm"},  // whose programs say nothing of themselves
          .go_version = "go1.26.8"};
}

// A shell script in the place of the go command; the binary is whatever it makes.
struct Lab {
  explicit Lab(const std::string& script) : cache(Cache::open(dir.file("cache")).value()) {
    modules.add("a.b/main", "v1.0.0", {{"main.go", "package main\n"}});
    const std::string goroot = dir.file("goroot");
    fs::create_directories(goroot + "/bin");
    std::ofstream(goroot + "/bin/go") << "#!/bin/sh\n" << script << "\n";
    fs::permissions(goroot + "/bin/go", fs::perms(0755));
    toolchain = {"go1.26.8", goroot, {}};
    builder = Builder::make(cache, *modules.store, toolchain, {.sandbox = SandboxMode::kOff}, stop)
                  .value();
  }
  std::string log() const {
    std::ifstream in(cache.path() + "/logs/a.b/main@v1.0.0/js-wasm-go1.26.8.log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  TempDir dir;
  Modules modules;
  Cache cache;
  Toolchain toolchain;
  os::Stop stop;
  std::unique_ptr<Builder> builder;
};

constexpr const char* kWorks =
    "[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\necho building\nmkdir -p "
    "$GOPATH/bin/js_wasm\n"
    "echo program >$GOPATH/bin/js_wasm/main";

const BuildFailure* failure_of(const Result<Product>& product) {
  return product ? nullptr : dynamic_cast<const BuildFailure*>(product.error().detail.get());
}

}  // namespace

TEST_CASE("a binary is saved whole, with the sum of what was written, and its log is kept") {
  Lab lab(kWorks);
  const auto product = lab.builder->build(key());
  INFO((product ? "" : product.error().message));
  REQUIRE(product);
  const auto dir = os::Dir::open(lab.dir.path());
  const auto saved = product->save(*dir, "out");
  REQUIRE(saved);
  CHECK(saved->size == 8);
  CHECK(saved->sha256 == sha256("program\n"));
  CHECK(fs::status(lab.dir.file("out")).permissions() == fs::perms(0755));
  CHECK(lab.log().find("$ go install -x -v") != std::string::npos);
  CHECK(lab.log().find("building\n") != std::string::npos);
  CHECK(product->log().starts_with(lab.cache.path()));
  // Again, in the place of the first.
  CHECK(lab.builder->build(key()).value().save(*dir, "out"));
  lab.builder.reset();
  CHECK(fs::is_empty(lab.cache.path() + "/work"));
}

TEST_CASE("what the go command says becomes a reason, and the log has it all") {
  Lab lab(
      "[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\necho 'f.go:1:2: undefined: x'; "
      "exit 1");
  const auto product = lab.builder->build(key());
  REQUIRE(!product);
  CHECK(product.error().kind == ErrorKind::kNotFound);
  CHECK(product.error().message == "undefined symbol: f.go:1:2: undefined: x");
  REQUIRE(failure_of(product) != nullptr);
  CHECK(failure_of(product)->reason == Reason::kUndefined);
  CHECK(fs::exists(failure_of(product)->log));
  CHECK(lab.log().find("f.go:1:2: undefined: x\n") != std::string::npos);
}

TEST_CASE("a fetch that fails tells what went wrong with a module, not what go made of it") {
  const std::string get =
      "mkdir -p $GOMODCACHE/cache/download\n/usr/bin/python3 -c 'import os, urllib.request as u; "
      "u.urlopen(os.environ[\"GOPROXY\"] + \"/a.b/main/@v/v1.0.0.zip\")' 2>&1; exit 1";
  Lab lab(get);
  lab.modules.proxy.failures.emplace("a.b/main/@v/v1.0.0.zip", unavailable_error("down"));
  const auto down = lab.builder->build(key());
  REQUIRE(!down);
  CHECK(down.error().kind == ErrorKind::kUnavailable);
  CHECK(failure_of(down) == nullptr);
  lab.modules.proxy.failures.clear();
  lab.modules.proxy.files["a.b/main/@v/v1.0.0.zip"] = "evil";
  CHECK(lab.builder->build(key()).error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("what the go command read out of a zip must be what was verified") {
  const std::string get =
      "[ $2 = -n ] || { mkdir -p $GOPATH/bin; touch $GOPATH/bin/a; exit; }\n"
      "/usr/bin/python3 -c 'import os, urllib.request as u; "
      "u.urlopen(os.environ[\"GOPROXY\"] + \"/a.b/main/@v/v1.0.0.zip\").read()'\n"
      "mkdir -p $GOMODCACHE/cache/download/a.b/main/@v\n"
      "printf %s ";
  const std::string to = " >$GOMODCACHE/cache/download/a.b/main/@v/v1.0.0.ziphash";
  Modules same;
  same.add("a.b/main", "v1.0.0", {{"main.go", "package main\n"}});
  const std::string sum = same.sums->find("a.b/main", "v1.0.0").value().zip;
  CHECK(Lab(get + sum + to).builder->build(key()));
  CHECK(Lab(get + "h1:other" + to).builder->build(key()).error().kind == ErrorKind::kUntrusted);
  CHECK(!Lab(get + "x >/dev/null").builder->build(key()));
}

TEST_CASE("assembly that includes what is outside of its package is not built") {
  const std::string fetch =
      "M=$GOMODCACHE/a.b/main@v1.0.0; mkdir -p $GOMODCACHE/cache/download $M\n";
  const std::string script =
      "[ $2 = -n ] || { mkdir -p $GOPATH/bin; touch $GOPATH/bin/a; exit; }\n" + fetch +
      "echo cd $M; echo /go/pkg/tool/linux_amd64/asm -p a.b/main ./a.s\n";
  CHECK(Lab(script + "echo '#include \"textflag.h\"' >$M/a.s").builder->build(key()));
  Lab lab(script + "echo '#include \"/etc/passwd\"' >$M/a.s");
  const auto outside = lab.builder->build(key());
  REQUIRE(failure_of(outside) != nullptr);
  CHECK(failure_of(outside)->reason == Reason::kAssembler);
  CHECK(outside.error().message ==
        "assembler: a.b/main@v1.0.0/a.s includes \"/etc/passwd\", which is outside of its package");
}

TEST_CASE("what a module's build compiled is there for the next of its version, and nobody else") {
  const std::string entry(64, 'a');
  const std::string script =
      "[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\n"
      "F=$GOCACHE/aa/" +
      entry +
      "-d; [ -e $F ] && echo warm || echo cold\n"
      "mkdir -p $GOCACHE/aa $GOPATH/bin; echo compiled >$F; touch $GOPATH/bin/a";
  Lab lab(script);
  lab.modules.add("c.d/other", "v1.0.0", {{"main.go", "package main\n"}});
  lab.toolchain.kept_as = "go1.26.8";
  const auto heard = [&](const Key& what, bool again = false) -> std::string {
    const auto builder = Builder::make(lab.cache, *lab.modules.store, lab.toolchain,
                                       {.sandbox = SandboxMode::kOff, .again = again}, lab.stop);
    const auto product = (*builder)->build(what);
    if (!product) return std::string(error_kind_name(product.error().kind));
    std::ifstream in(product->log());
    const std::string text(std::istreambuf_iterator<char>(in), {});
    return text.find("warm\n") != std::string::npos ? "warm" : "cold";
  };
  CHECK(heard(key()) == "cold");
  CHECK(heard(key()) == "warm");
  // To compare with the first, nothing of the first is taken.
  CHECK(heard(key(), true) == "cold");
  Key other = key();
  other.module = "c.d/other";
  CHECK(heard(other) == "cold");
  Key target = key();
  target.target = {"wasip1", "wasm"};
  CHECK(heard(target) == "cold");
  const std::string kept = lab.cache.packages() + "/" + kept_module_name(key(), "go1.26.8");
  std::ofstream(kept + "/pack-0", std::ios::trunc) << "compiled!";
  CHECK(heard(key()) == error_kind_name(ErrorKind::kUntrusted));
  CHECK(heard(key(), true) == "cold");
  CHECK(heard(other) == "warm");
}

TEST_CASE("a binary is good also when what it took cannot be kept") {
  Lab lab(
      "[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\n"
      "mkdir -p $GOCACHE/aa $GOPATH/bin; mkfifo $GOCACHE/aa/" +
      std::string(64, 'a') + "-d; touch $GOPATH/bin/a");
  lab.toolchain.kept_as = "go1.26.8";
  lab.builder = Builder::make(lab.cache, *lab.modules.store, lab.toolchain,
                              {.sandbox = SandboxMode::kOff}, lab.stop)
                    .value();
  CHECK(lab.builder->build(key()));
  CHECK(lab.log().find("[compiled packages are not kept: ") != std::string::npos);
}

TEST_CASE("a build that ran out of something says of what, and the log, too") {
  Lab lab("[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\nexec sleep 1000");
  lab.builder =
      Builder::make(lab.cache, *lab.modules.store, lab.toolchain,
                    {.sandbox = SandboxMode::kOff, .limits = {.time = std::chrono::seconds(2)}},
                    lab.stop)
          .value();
  const auto late = lab.builder->build(key());
  REQUIRE(failure_of(late) != nullptr);
  CHECK(failure_of(late)->reason == Reason::kTimeLimit);
  CHECK(late.error().kind == ErrorKind::kNotFound);
  CHECK(late.error().message == "too much time: the build used more than 2 seconds");
  CHECK(lab.log().find("[the build used more than 2 seconds]") != std::string::npos);
  // A full disk is nobody's fault here.
  Lab full(
      "[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\n"
      "echo 'go: writing x: no space left on device'; exit 1");
  const auto disk = full.builder->build(key());
  REQUIRE(!disk);
  CHECK(disk.error().kind == ErrorKind::kUnavailable);
  CHECK(failure_of(disk) == nullptr);
}

TEST_CASE("an import that no go.mod covers is untidy, whatever a proxy has today") {
  const std::string search =
      "/usr/bin/python3 -c 'import os, urllib.request as u; "
      "u.urlopen(os.environ[\"GOPROXY\"] + \"/c.d/e/@v/list\")' 2>/dev/null\n";
  const std::string text = "echo f.go:1:2: cannot find module providing package c.d/e; exit 1";
  const auto untidy = Lab(search + text).builder->build(key());
  REQUIRE(failure_of(untidy) != nullptr);
  CHECK(failure_of(untidy)->reason == Reason::kUntidy);
  const auto gone = Lab(text).builder->build(key());
  REQUIRE(failure_of(gone) != nullptr);
  CHECK(failure_of(gone)->reason == Reason::kDependencyGone);
}

TEST_CASE("one builder is of one module version and Go version, whatever the target") {
  Key other = key();
  CHECK(may_share_builder(key(), other));
  other.target = {"linux", "amd64"};
  other.dir = "/cmd";
  other.stripped = true;
  CHECK(may_share_builder(key(), other));
  for (std::string Key::*part : {&Key::module, &Key::version, &Key::go_version}) {
    other = key();
    other.*part += "0";
    CHECK_FALSE(may_share_builder(key(), other));
  }
}

TEST_CASE("only what builds one file builds") {
  const auto error = [](const std::string& script) {
    Lab lab("[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\n" + script);
    const auto product = lab.builder->build(key());
    return product ? "built" : std::string(error_kind_name(product.error().kind));
  };
  const std::string internal(error_kind_name(ErrorKind::kInternal));
  CHECK(error("mkdir -p $GOPATH/bin; touch $GOPATH/bin/a") == "built");
  CHECK(error("mkdir -p $GOPATH/bin") == internal);
  CHECK(error("mkdir -p $GOPATH/bin; touch $GOPATH/bin/a $GOPATH/bin/b") == internal);
  CHECK(error("mkdir -p $GOPATH/bin/a/b/c") == internal);
  CHECK(error("mkdir -p $GOPATH/bin; ln -s /etc/passwd $GOPATH/bin/a") ==
        error_kind_name(ErrorKind::kUntrusted));
  CHECK(error("kill -9 $$") == error_kind_name(ErrorKind::kUnavailable));
}

TEST_CASE("a directory without Go files for a target is C's when a file of it says so") {
  for (const bool c : {false, true}) {
    Lab lab(
        "[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\nmkdir -p $GOMODCACHE/x; echo '" +
        std::string(c ? "import \"C\"" : "package x") +
        "' >$GOMODCACHE/x/a.go\n"
        "echo package x: build constraints exclude all Go files in $GOMODCACHE/x; exit 1");
    const auto product = lab.builder->build(key());
    REQUIRE(failure_of(product) != nullptr);
    CHECK(failure_of(product)->reason == (c ? Reason::kCgoPackage : Reason::kExcluded));
  }
}

TEST_CASE("what says nothing of itself is no binary, but for wasm") {
  const mod::MemorySource source("no program");
  Key linux = key();
  linux.target = {"linux", "amd64"};
  CHECK(check_binary(source, key()));
  CHECK(check_binary(source, linux).error().kind == ErrorKind::kInternal);
}

TEST_CASE("a binary is what it says it is: this module, version, Go and target, without C") {
  Key wanted = key();
  wanted.dir = "/cmd";
  wanted.target = {"linux", "amd64"};
  struct Said {
    std::string path = "a.b/main/cmd";
    std::string module = "a.b/main\tv1.0.0\th1:x=";
    std::string go = "go1.26.8";
    std::string settings = "build\tCGO_ENABLED=0\nbuild\tGOARCH=amd64\nbuild\tGOOS=linux\n";
  };
  const auto check = [&](const Said& said) {
    test::Program program;
    program.version = said.go;
    program.modules =
        test::framed("path\t" + said.path + "\nmod\t" + said.module + "\n" + said.settings);
    const std::string bytes = test::make_elf(program);
    const auto s = check_binary(mod::MemorySource(bytes), wanted);
    return s ? std::string() : s.error().message;
  };
  CHECK(check({}).empty());
  CHECK(check({.module = "a.b/main/cmd\tv1.0.0\th1:x="}) ==
        "a.b/main/cmd belongs to module a.b/main/cmd, not to a.b/main");
  CHECK(check({.path = "a.b/main"}) == "the binary says a.b/main where a.b/main/cmd was built");
  CHECK(check({.module = "a.b/main\tv1.0.1\th1:x="}).find("v1.0.1") != std::string::npos);
  CHECK(check({.module = "a.b/main\tv1.0.0\n=>\tc.d/e\tv1.0.0\th1:x="}).find("replaced") !=
        std::string::npos);
  CHECK(check({.go = "go1.26.9"}).find("go1.26.9") != std::string::npos);
  CHECK(!check({.settings = ""}).empty());
  CHECK(check({.settings = "build\tCGO_ENABLED=1\nbuild\tGOARCH=amd64\nbuild\tGOOS=linux\n"}) ==
        "the binary says 1 where 0 was built");
}
