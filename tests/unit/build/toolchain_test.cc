#include "build/toolchain.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "module/goversion.h"
#include "support/build/modules.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;

namespace {

namespace fs = std::filesystem;

const std::string kModule(mod::kToolchainModule);
const std::string kVersion = "v0.0.1-go1.26.8.linux-amd64";

void spill(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool executable(const std::string& path) {
  return (fs::status(path).permissions() & fs::perms::owner_exec) != fs::perms::none;
}

// As small as one can be.
void add_toolchain(Modules& modules) {
  modules.add(kModule, kVersion,
              {{"VERSION", "go1.26.8\n"},
               {"bin/go", "program"},
               {"pkg/tool/linux_amd64/compile", "program"},
               {"lib/wasm/go_js_wasm_exec", "program"},
               {"src/_go.mod", "module std\n"},
               {"src/cmd/_go.mod", "module cmd\n"},
               {"src/a.go", "package a\n"}},
              "none");
}

std::string error_of(const Result<Toolchain>& toolchain) {
  return toolchain ? "no error" : toolchain.error().message;
}

// Without the locks, which stay.
std::vector<std::string> names_in(const TempDir& dir) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(dir.path())) {
    if (entry.path().extension() != ".lock") out.push_back(entry.path().filename().string());
  }
  return out;
}

std::ptrdiff_t count_files(const TempDir& dir) {
  return std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator());
}

}  // namespace

TEST_CASE("programs of a toolchain") {
  for (const char* yes : {"bin/go", "bin/gofmt", "pkg/tool/linux_amd64/compile", "pkg/tool/x/y/z",
                          "lib/wasm/go_js_wasm_exec", "lib/x/go_a_b_exec"}) {
    INFO(yes);
    CHECK(is_program(yes));
  }
  for (const char* no : {"bin/x/go", "bin", "pkg/include/a.h", "src/bin/go", "lib/go_js_wasm_exec",
                         "lib/wasm/x/go_js_wasm_exec", "lib/wasm/go_js_exec", "lib/wasm/go__b_exec",
                         "lib/wasm/go_a__exec", "lib/wasm/wasm_exec.js", "VERSION"}) {
    INFO(no);
    CHECK(!is_program(no));
  }
}

TEST_CASE("a toolchain module becomes a toolchain, once") {
  Modules modules;
  add_toolchain(modules);
  const TempDir dir;
  const auto toolchain = module_toolchain(*modules.store, dir.path(), "go1.26.8", "linux-amd64");
  INFO(error_of(toolchain));
  REQUIRE(toolchain);
  CHECK(toolchain->go_version == "go1.26.8");
  CHECK(toolchain->others.empty());
  const std::string root = dir.file("go1.26.8.linux-amd64");
  CHECK(executable(root + "/bin/go"));
  CHECK(executable(root + "/pkg/tool/linux_amd64/compile"));
  CHECK(executable(root + "/lib/wasm/go_js_wasm_exec"));
  CHECK(!executable(root + "/src/a.go"));
  CHECK(slurp(root + "/src/go.mod") == "module std\n");
  CHECK(slurp(root + "/src/cmd/go.mod") == "module cmd\n");
  CHECK(names_in(dir) == std::vector<std::string>{"go1.26.8.linux-amd64"});
  CHECK(count_files(dir) == 2);  // that and its lock
  // Without proxy and log, from the cache.
  modules.proxy.files.clear();
  modules.open();
  CHECK(module_toolchain(*modules.store, dir.path(), "go1.26.8", "linux-amd64"));
}

TEST_CASE("a toolchain that was changed in the cache is found, whatever was changed") {
  Modules modules;
  add_toolchain(modules);
  const TempDir dir;
  const std::string root = dir.file("go1.26.8.linux-amd64");
  const auto use = [&] {
    return module_toolchain(*modules.store, dir.path(), "go1.26.8", "linux-amd64");
  };
  const std::vector<std::function<void()>> changes = {
      [&] { spill(root + "/bin/go", "evil"); },
      [&] { spill(root + "/src/b.go", "package a\n"); },
      [&] { spill(root + "/src/go.mod", "module evil\n"); },
      [&] { spill(root + "/src/x/go.mod", "module x\n"); },
      [&] { fs::remove(root + "/src/a.go"); },
      [&] { fs::permissions(root + "/bin/go", fs::perms::owner_read); },
      [&] {
        fs::remove(root + "/src/a.go");
        fs::create_symlink("/etc/passwd", root + "/src/a.go");
      },
      [&] { fs::rename(root + "/src/a.go", root + "/src/b.go"); }};
  for (const auto& change : changes) {
    REQUIRE(use());
    change();
    const auto changed = use();
    INFO(error_of(changed));
    REQUIRE(!changed);
    CHECK(changed.error().kind == ErrorKind::kUntrusted);
    fs::remove_all(root);
  }
}

TEST_CASE("a toolchain that the checksum database does not know is not unpacked") {
  Modules modules;
  add_toolchain(modules);
  Modules other;
  other.add(kModule, kVersion, {{"VERSION", "go1.26.8\n"}, {"bin/go", "evil"}}, "none");
  modules.proxy.files = other.proxy.files;
  const TempDir dir;
  const auto evil = module_toolchain(*modules.store, dir.path(), "go1.26.8", "linux-amd64");
  REQUIRE(!evil);
  CHECK(evil.error().kind == ErrorKind::kUntrusted);
  CHECK(names_in(dir).empty());
  CHECK(count_files(dir) == 1);  // its lock
  const auto none = module_toolchain(*modules.store, dir.path(), "go1.26.9", "linux-amd64");
  REQUIRE(!none);
  CHECK(none.error().kind == ErrorKind::kNotFound);
}

TEST_CASE("a directory as a toolchain") {
  const TempDir dir;
  const std::string root = dir.file("go1.26.8");
  spill(root + "/VERSION", "go1.26.8\ntime 2026-08-28T16:20:06Z\n");
  spill(root + "/bin/go", "program");
  spill(root + "/go.env", "GOPROXY=x\n");
  const auto use = [&](const std::string& path, const std::string& version) {
    return directory_toolchain(path, version, "linux-amd64");
  };
  const auto found = use(root, "");
  INFO(error_of(found));
  REQUIRE(found);
  CHECK(found->go_version == "go1.26.8");
  CHECK(found->goroot == fs::canonical(root).string());
  CHECK(found->others.empty());
  CHECK(use(root, "go1.26.8"));
  CHECK(error_of(use(root, "go1.26.9")).find("is go1.26.8, not go1.26.9") != std::string::npos);
  CHECK(use(dir.path(), "go1.26.8"));
  CHECK(error_of(use(dir.path(), "")).find("no Go toolchain") != std::string::npos);
  CHECK(error_of(use(dir.path(), "go1.26.9")).find("no toolchain go1.26.9") != std::string::npos);
  CHECK(!use(dir.file("nowhere"), ""));

  fs::rename(root + "/go.env", root + "/kept");
  CHECK(use(root, ""));
  spill(root + "/go.env", "GOAMD64=v3\n");
  CHECK(error_of(use(root, "")).find("GOAMD64") != std::string::npos);
  fs::remove(root + "/go.env");
  spill(root + "/VERSION", "devel go1.27-abcdef\n");
  CHECK(use(root, "").error().kind == ErrorKind::kUsage);
}

TEST_CASE("where a toolchain's links lead belongs to it") {
  const TempDir dir;
  spill(dir.file("share/src/a.go"), "package a\n");
  spill(dir.file("go/VERSION"), "go1.19.8");
  spill(dir.file("go/bin/go"),
        "\x7f"
        "ELF /lib64/ld-linux-x86-64.so.2");
  fs::create_symlink("../share/src", dir.file("go/src"));
  const auto found = local_toolchain("relative:" + dir.file("none") + ":" + dir.file("go/bin"), "");
  INFO(error_of(found));
  REQUIRE(found);
  const std::string share = fs::canonical(dir.file("share/src")).string();
  CHECK(std::find(found->others.begin(), found->others.end(), share) != found->others.end());
  // A program that was linked dynamically needs its libraries.
  if (fs::is_directory("/lib")) {
    CHECK(std::find(found->others.begin(), found->others.end(), "/lib") != found->others.end());
  }
  CHECK(local_toolchain("", "").error().kind == ErrorKind::kUsage);
}
