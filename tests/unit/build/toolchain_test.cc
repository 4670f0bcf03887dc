#include "build/toolchain.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "build/toolchain_hash.h"
#include "module/goversion.h"
#include "support/build/modules.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;

namespace {

namespace fs = std::filesystem;

const std::string kModule(mod::kToolchainModule);
const std::string kVersion = "v0.0.1-go1.26.8.linux-amd64";

void spill_toolchain(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string slurp_toolchain(const std::string& path) {
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
  const auto toolchain = module_toolchain({*modules.store, dir.path()}, "go1.26.8", "linux-amd64");
  INFO(error_of(toolchain));
  REQUIRE(toolchain);
  CHECK(toolchain->go_version == "go1.26.8");
  CHECK(toolchain->others.empty());
  const std::string root = dir.file("go1.26.8.linux-amd64");
  CHECK(executable(root + "/bin/go"));
  CHECK(executable(root + "/pkg/tool/linux_amd64/compile"));
  CHECK(executable(root + "/lib/wasm/go_js_wasm_exec"));
  CHECK(!executable(root + "/src/a.go"));
  CHECK(slurp_toolchain(root + "/src/go.mod") == "module std\n");
  CHECK(slurp_toolchain(root + "/src/cmd/go.mod") == "module cmd\n");
  CHECK(names_in(dir) == std::vector<std::string>{"go1.26.8.linux-amd64"});
  CHECK(count_files(dir) == 2);  // that and its lock
  // Without proxy and log, from the cache.
  modules.proxy.files.clear();
  modules.open();
  CHECK(module_toolchain({*modules.store, dir.path()}, "go1.26.8", "linux-amd64"));
}

TEST_CASE("a toolchain that was changed in the cache is found, whatever was changed") {
  Modules modules;
  add_toolchain(modules);
  const TempDir dir;
  const std::string root = dir.file("go1.26.8.linux-amd64");
  const auto use = [&] {
    return module_toolchain({*modules.store, dir.path()}, "go1.26.8", "linux-amd64");
  };
  const std::vector<std::function<void()>> changes = {
      [&] { spill_toolchain(root + "/bin/go", "evil"); },
      [&] { spill_toolchain(root + "/src/b.go", "package a\n"); },
      [&] { spill_toolchain(root + "/src/go.mod", "module evil\n"); },
      [&] { spill_toolchain(root + "/src/x/go.mod", "module x\n"); },
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

TEST_CASE("a toolchain that is unpacked, or looked at, when all is to end") {
  Modules modules;
  add_toolchain(modules);
  const TempDir dir;
  os::Stop stop;
  const auto use = [&] {
    return module_toolchain({*modules.store, dir.path(), &stop}, "go1.26.8", "linux-amd64");
  };
  REQUIRE(use());
  stop.request();
  REQUIRE_FALSE(use());
  CHECK(use().error().kind == ErrorKind::kUnavailable);
  CHECK(names_in(dir) == std::vector<std::string>{"go1.26.8.linux-amd64"});  // it is good
  fs::remove_all(dir.file("go1.26.8.linux-amd64"));
  REQUIRE_FALSE(use());
  CHECK(use().error().kind == ErrorKind::kUnavailable);
  CHECK(names_in(dir).empty());
  CHECK(module_toolchain({*modules.store, dir.path()}, "go1.26.8", "linux-amd64"));
}

TEST_CASE("a toolchain that the checksum database does not know is not unpacked") {
  Modules modules;
  add_toolchain(modules);
  Modules other;
  other.add(kModule, kVersion, {{"VERSION", "go1.26.8\n"}, {"bin/go", "evil"}}, "none");
  modules.proxy.files = other.proxy.files;
  const TempDir dir;
  const auto evil = module_toolchain({*modules.store, dir.path()}, "go1.26.8", "linux-amd64");
  REQUIRE(!evil);
  CHECK(evil.error().kind == ErrorKind::kUntrusted);
  CHECK(names_in(dir).empty());
  CHECK(count_files(dir) == 1);  // its lock
  const auto none = module_toolchain({*modules.store, dir.path()}, "go1.26.9", "linux-amd64");
  REQUIRE(!none);
  CHECK(none.error().kind == ErrorKind::kNotFound);
}

TEST_CASE("a directory as a toolchain") {
  const TempDir dir;
  const std::string root = dir.file("go1.26.8");
  spill_toolchain(root + "/VERSION", "go1.26.8\ntime 2026-08-28T16:20:06Z\n");
  spill_toolchain(root + "/bin/go", "program");
  spill_toolchain(root + "/go.env", "GOPROXY=x\n");
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
  spill_toolchain(root + "/go.env", "GOAMD64=v3\n");
  CHECK(error_of(use(root, "")).find("GOAMD64") != std::string::npos);
  fs::remove(root + "/go.env");
  spill_toolchain(root + "/VERSION", "devel go1.27-abcdef\n");
  CHECK(use(root, "").error().kind == ErrorKind::kUsage);
}

TEST_CASE("where a toolchain's links lead belongs to it") {
  const TempDir dir;
  spill_toolchain(dir.file("share/src/a.go"), "package a\n");
  spill_toolchain(dir.file("go/VERSION"), "go1.19.8");
  spill_toolchain(dir.file("go/bin/go"),
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

TEST_CASE("a toolchain that nobody verified is told from others by all that builds may read") {
  const TempDir dir;
  const std::string root = dir.file("go");
  spill_toolchain(dir.file("share/src/a.go"), "package a\n");
  spill_toolchain(root + "/VERSION", "go1.19.8");
  spill_toolchain(root + "/bin/go", "program");
  spill_toolchain(root + "/pkg/tool/linux_amd64/compile", "compiler");
  fs::create_symlink("../share/src", root + "/src");
  const auto name = [&] { return kept_name(directory_toolchain(root, "", "linux-amd64").value()); };
  const std::string first = name();
  CHECK(first.starts_with("go1.19.8-"));
  CHECK(first.size() == 9 + 32);
  std::set<std::string> names{first};
  const auto changed = [&] { return names.insert(name()).second; };
  spill_toolchain(root + "/pkg/tool/linux_amd64/compile", "compiles");
  CHECK(changed());
  spill_toolchain(dir.file("share/src/a.go"), "package b\n");
  CHECK(changed());
  spill_toolchain(dir.file("share/src/b.go"), "");
  CHECK(changed());
  fs::permissions(root + "/bin/go", fs::perms::owner_all);
  CHECK(changed());
  spill_toolchain(root + "/test/a.go", "no build reads it");
  CHECK_FALSE(changed());
  // The same in another place is the same.
  const std::string last = name();
  fs::rename(root, dir.file("moved"));
  CHECK(kept_name(directory_toolchain(dir.file("moved"), "", "linux-amd64").value()) == last);
}

TEST_CASE("a toolchain's files are read again when one may have been changed") {
  const TempDir dir;
  const std::string root = dir.file("go");
  spill_toolchain(dir.file("share/src/a.go"), "package a\n");
  spill_toolchain(root + "/VERSION", "go1.19.8");
  spill_toolchain(root + "/bin/go", "program");
  fs::create_symlink("../share/src", root + "/src");
  const Toolchain toolchain = directory_toolchain(root, "", "linux-amd64").value();
  FakeClock clock(system_clock().now());
  int reads = 0;
  KeptName kept(clock, [&](const Toolchain& t) {
    ++reads;
    return kept_name(t);
  });
  const auto read_again = [&] {
    const int before = reads;
    CHECK(kept.of(toolchain) == kept_name(toolchain));
    return reads > before;
  };
  // They are of this very moment: the next change may look alike.
  CHECK(read_again());
  CHECK(read_again());
  // As if all that is done here had been done long ago.
  clock.advance(std::chrono::hours(1));
  CHECK(read_again());
  CHECK_FALSE(read_again());
  CHECK_FALSE(read_again());
  // Of the same size, and seemingly of the same age, once the kernel's clock has gone on.
  const std::string file = dir.file("share/src/a.go");
  const auto old = fs::last_write_time(file);
  const std::string before = mark_goroot(root).value().text;
  while (mark_goroot(root).value().text == before) {
    spill_toolchain(file, "package b\n");
    fs::last_write_time(file, old);
  }
  CHECK(read_again());
  CHECK_FALSE(read_again());
  spill_toolchain(dir.file("share/src/b.go"), "");
  CHECK(read_again());
  fs::rename(dir.file("share/src/b.go"), dir.file("share/src/c.go"));
  CHECK(read_again());
  fs::remove(dir.file("share/src/c.go"));
  CHECK(read_again());
  fs::permissions(root + "/bin/go", fs::perms::owner_all);
  CHECK(read_again());
  fs::create_symlink("none", root + "/nothing");
  spill_toolchain(root + "/test/a.go", "no build reads it");
  CHECK_FALSE(read_again());
  // A clock that is behind the files is no help.
  clock.advance(-std::chrono::hours(2));
  spill_toolchain(root + "/VERSION", "go1.19.8\n");
  CHECK(read_again());
  CHECK(read_again());
}

TEST_CASE("nothing is kept of a toolchain whose files cannot all be known") {
  const TempDir dir;
  const std::string root = dir.file("go");
  spill_toolchain(root + "/VERSION", "go1.19.8");
  spill_toolchain(root + "/bin/go", "program");
  fs::create_symlink(".", root + "/src");  // without an end
  const auto hash = hash_goroot(root);
  REQUIRE(!hash);
  CHECK(hash.error().message.find("src/src") != std::string::npos);
  const auto found = directory_toolchain(root, "", "linux-amd64");
  REQUIRE(found);
  CHECK(kept_name(*found).empty());
}

TEST_CASE("a toolchain is hashed until asked to stop") {
  const TempDir dir;
  const std::string root = dir.file("go");
  spill_toolchain(root + "/VERSION", "go1.19.8");
  spill_toolchain(root + "/bin/go", "program");
  os::Stop stop;
  CHECK(hash_goroot(root, &stop));
  stop.request();
  const auto hash = hash_goroot(root, &stop);
  REQUIRE(!hash);
  CHECK(hash.error().kind == ErrorKind::kUnavailable);
  CHECK(kept_name(*directory_toolchain(root, "", "linux-amd64"), &stop).empty());
}
