// A shell script in the place of the go command tells what it sees.
#include "build/go_runner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/build/modules.h"
#include "support/os/as_user.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;

namespace {

namespace fs = std::filesystem;

// A directory that every user can get to, as a cache below /var is.
class OpenDirectory {
 public:
  OpenDirectory() { fs::permissions(dir_.path(), fs::perms(0755)); }
  std::string file(const std::string& name) const { return dir_.file(name); }

 private:
  TempDir dir_;
};

Toolchain script(const OpenDirectory& dir, const std::string& text) {
  const std::string goroot = dir.file("goroot");
  fs::create_directories(goroot + "/bin");
  std::ofstream(goroot + "/bin/go") << "#!/bin/sh\n" << text << "\n";
  fs::permissions(goroot + "/bin/go", fs::perms(0755));
  Toolchain out{"go1.26.8", fs::canonical(goroot).string(), {}};
  for (const char* path : {"/bin", "/lib", "/lib64", "/usr"}) {
    if (fs::is_directory(path)) out.others.emplace_back(path);
  }
  return out;
}

Key runner_key() {
  return {.module = "a.b/main",
          .version = "v1.0.0",
          .dir = "/",
          .target = {"linux", "amd64"},
          .go_version = "go1.26.8"};
}

struct Told {
  bool made = false;
  std::string text;  // or the error
  int code = -1;
};
Told told(SandboxMode mode, const std::string& text) {
  const OpenDirectory dir;
  const os::Stop stop;
  const std::string work = dir.file("work");
  fs::create_directory(work);
  auto runner = GoRunner::make({mode}, script(dir, text), work, stop);
  if (!runner) return {false, runner.error().message};
  for (const std::string& lack : runner->lacks()) os_test::not_tried(lack);
  const auto ran = runner->build(runner_key());
  if (!ran) return {false, ran.error().message};
  return {true, ran->output, ran->exit.code};
}

// As root, and as an ordinary user.
void each_way(const std::function<std::string()>& body) {
  os_test::in_child(body);
  os_test::in_child(body, os_test::kOrdinary);
}

// Where the kernel refuses a part, what would need it is not tried.
bool grants_all() {
  const Told all = told(SandboxMode::kFull, "echo x");
  if (!all.made) os_test::not_tried(all.text);
  return all.made;
}

}  // namespace

TEST_CASE("runner: the environment is ours and nobody else's, in every mode") {
  each_way([]() -> std::string {
    ::setenv("GOFLAGS", "-tags=evil", 1);
    ::setenv("GOAMD64", "v3", 1);
    for (const auto mode : {SandboxMode::kOff, SandboxMode::kPartial}) {
      const Told t = told(mode, "/usr/bin/env; echo \"$@\"");
      if (!t.made) return t.text;
      for (const char* line : {"GOFLAGS=-mod=readonly\n", "CGO_ENABLED=0\n", "GOSUMDB=off\n",
                               "install -x -v -trimpath -ldflags=-buildid= -- a.b/main@v1.0.0\n"}) {
        if (t.text.find(line) == std::string::npos) return t.text;
      }
      if (t.text.find("GOAMD64") != std::string::npos) return t.text;
      if (t.text.find("GOPROXY=file://") == std::string::npos) return t.text;
    }
    return {};
  });
}

TEST_CASE("runner: the full sandbox shows its own root, user, host and processes") {
  each_way([]() -> std::string {
    if (!grants_all()) return {};
    const Told t = told(SandboxMode::kFull,
                        "pwd; uname -n; id -u; echo $$; ls /; ls /proc | grep -c '^[0-9]';"
                        "cat $HOME/.config/go/telemetry/mode; echo;"
                        "test -e /etc/passwd && echo passwd;"
                        "cp /bin/true $GOTMPDIR/x && chmod +x $GOTMPDIR/x && $GOTMPDIR/x;"
                        "echo run: $?; echo x >$GOROOT/y; echo write: $?");
    if (!t.made) return t.text;
    const std::string uid = std::to_string(::geteuid() == 0 ? kFirstBuildUser : ::geteuid());
    if (!t.text.starts_with("/build/tmp\nbuild\n" + uid + "\n1\n")) return t.text;
    if (t.text.find("passwd\n") != std::string::npos) return t.text;
    if (t.text.find("\noff\n") == std::string::npos) return t.text;
    if (t.text.find("run: 126\n") == std::string::npos) return t.text;
    if (t.text.find("write: 0") != std::string::npos) return t.text;
    return {};
  });
}

TEST_CASE("runner: a compile has no network, a fetch one port that is ours") {
  each_way([]() -> std::string {
    if (!grants_all()) return {};
    const OpenDirectory dir;
    const os::Stop stop;
    const std::string work = dir.file("work");
    fs::create_directory(work);
    const std::string python =
        "/usr/bin/python3 -c 'import os, urllib.request as u\n"
        "try: print(u.urlopen(os.environ[\"GOPROXY\"] + \"/a.b/main/@v/list\").read())\n"
        "except Exception as e: print(\"none\", os.environ[\"GOPROXY\"])'";
    auto runner = GoRunner::make({SandboxMode::kFull}, script(dir, python), work, stop);
    if (!runner) return runner.error().message;
    Modules modules;
    Forwarder forwarder(*modules.store, "a.b/main", "v1.0.0");
    const auto fetched = runner->fetch(runner_key(), forwarder);
    if (!fetched) return fetched.error().message;
    if (fetched->output != "b'v1.0.0\\n'\n") return fetched->output;
    const std::string connect =
        "/usr/bin/python3 -c 'import socket\n"
        "for f in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):\n"
        " try: print(socket.socket(f, socket.SOCK_STREAM if f != socket.AF_NETLINK else "
        "socket.SOCK_RAW))\n except OSError as e: print(\"refused\")'";
    const Told t = told(SandboxMode::kFull, connect);
    return t.text == "refused\nrefused\nrefused\n" ? "" : t.text;
  });
}

TEST_CASE("runner: without a sandbox the fetch's proxy is ours, too") {
  const OpenDirectory dir;
  const os::Stop stop;
  const std::string work = dir.file("work");
  fs::create_directory(work);
  auto runner = GoRunner::make(
      {SandboxMode::kOff},
      script(dir,
             "exec /usr/bin/python3 -c 'import os, urllib.request as u; "
             "print(u.urlopen(os.environ[\"GOPROXY\"] + \"/a.b/main/@v/list\").read())'"),
      work, stop);
  REQUIRE(runner);
  Modules modules;
  Forwarder forwarder(*modules.store, "a.b/main", "v1.0.0");
  const auto fetched = runner->fetch(runner_key(), forwarder);
  REQUIRE(fetched);
  CHECK(fetched->output == "b'v1.0.0\\n'\n");
}

TEST_CASE("runner: a stop ends the go command and all that it started") {
  const OpenDirectory dir;
  os::Stop stop;
  stop.request();
  const std::string work = dir.file("work");
  fs::create_directory(work);
  auto runner =
      GoRunner::make({SandboxMode::kPartial}, script(dir, "sleep 1000 & sleep 1000"), work, stop);
  REQUIRE(runner);
  const auto ran = runner->build(runner_key());
  REQUIRE(!ran);
  CHECK(ran.error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("runner: paths that the go command names are found again") {
  const OpenDirectory dir;
  const os::Stop stop;
  const std::string work = dir.file("work");
  fs::create_directory(work);
  auto runner = GoRunner::make({SandboxMode::kOff}, script(dir, ""), work, stop);
  REQUIRE(runner);
  const std::string real = fs::canonical(work).string();
  CHECK(runner->host_path("/build/mod/a.b/c@v1") == real + "/mod/a.b/c@v1");
  CHECK(runner->host_path("/elsewhere") == "/elsewhere");
  CHECK(runner->build(runner_key()));
  CHECK(runner->output_directory() == real + "/out/1/bin");
}
