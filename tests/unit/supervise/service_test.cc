// The processes of a supervisor: the service as it is spawned and known again, and what runs beside
// it.
#include "supervise/service.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "supervise/supervisor.h"
#include "supervise/task.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::supervise;
using namespace std::chrono_literals;

namespace {

bool has(const std::vector<std::string>& list, const std::string& what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

os::Child sleeper(bool stubborn) {
  os::Spawn spawn;
  spawn.argv = {"/bin/sh", "-c",
                stubborn ? "trap '' TERM; echo; exec sleep 100" : "echo; exec sleep 100"};
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const os::Fd read_end(ends[0]);
  os::Fd write_end(ends[1]);
  spawn.descriptors = {{write_end.get(), 1}};
  auto child = os::spawn(std::move(spawn));
  REQUIRE(child);
  write_end.reset();
  char c = 0;
  REQUIRE(::read(read_end.get(), &c, 1) == 1);  // its trap is set
  return *std::move(child);
}

}  // namespace

TEST_CASE("how a service is started", "[service]") {
  Options options;
  options.command = {"./svc", "a"};
  options.user = os::User{"joe", "/var/joe", {1234, 1234, {1234}}};
  options.ambient = {10};
  Handed handed;
  handed.sockets.push_back({os::Fd(::open("/dev/null", O_RDONLY)), "web"});
  handed.sockets.push_back({os::Fd(::open("/dev/null", O_RDONLY)), ""});
  handed.notify = "@x";
  handed.watchdog = 5s;
  const os::Spawn spawn = service_spawn(options, "/srv/svc-1", handed);
  CHECK(spawn.file == "/srv/svc-1");
  CHECK(spawn.argv == options.command);
  CHECK(spawn.identity == options.user->identity);
  CHECK(spawn.death_signal == SIGTERM);
  const auto& environment = *spawn.environment;
  for (const char* there : {"HOME=/var/joe", "USER=joe", "LOGNAME=joe", "LISTEN_FDS=2",
                            "LISTEN_FDNAMES=web:", "NOTIFY_SOCKET=@x", "WATCHDOG_USEC=5000000"}) {
    INFO(there);
    CHECK(has(environment, there));
  }
  CHECK(spawn.pid_variables == std::vector<std::string>{"LISTEN_PID", "WATCHDOG_PID"});
  CHECK(spawn.descriptors.size() == 2);
  CHECK(spawn.descriptors[1].to == 4);
  const os::Spawn plain = service_spawn({.command = {"./svc"}}, "/srv/svc-1", {});
  CHECK(plain.descriptors.empty());
  CHECK(plain.pid_variables.empty());
}

TEST_CASE("a service that was left behind", "[service]") {
  for (const bool stubborn : {false, true}) {
    os::Child child = sleeper(stubborn);
    const auto mark = mark_of(child.pid());
    REQUIRE(mark);
    // another process of the same number is none of ours
    const auto other = end_leftover({mark->pid, mark->started + 1}, 100ms);
    REQUIRE(other);
    CHECK_FALSE(*other);
    CHECK_FALSE(*child.wait_for(0ms));
    const auto ended = end_leftover(*mark, stubborn ? 50ms : 10000ms);
    REQUIRE(ended);
    CHECK(*ended);
    CHECK(child.reap()->signal == (stubborn ? SIGKILL : SIGTERM));
    CHECK_FALSE(*end_leftover(*mark, 100ms));
    CHECK_FALSE(mark_of(static_cast<pid_t>(mark->pid)));
  }
}

TEST_CASE("tasks", "[task]") {
  auto loop = *os::Loop::make();
  std::string output;
  std::optional<os::Exit> exit;
  const auto run = [&](const std::string& command, std::chrono::milliseconds timeout) {
    output.clear();
    exit.reset();
    Task::Options options;
    options.spawn = shell_command(command, {"GW_X=from us"});
    options.input = "what it reads\n";
    options.output = [&](std::string_view bytes) { output += bytes; };
    options.timeout = timeout;
    options.done = [&](const os::Exit& e) { exit = e; };
    auto task = *Task::start(*loop, std::move(options));
    while (!exit) REQUIRE(loop->run_once(20s));
    CHECK(task->over());
  };
  run("cat; echo \"$GW_X\"; exit 3", 20s);
  CHECK(output == "what it reads\nfrom us\n");
  CHECK(exit->code == 3);
  run("head -c 300000 /dev/zero", 20s);
  CHECK(output.size() == 300000);
  run("exec sleep 100", 50ms);
  CHECK(exit->signal == SIGKILL);
  // one that is given up is gone, without a word
  exit.reset();
  Task::Options options;
  options.spawn = shell_command("exec sleep 100", {});
  options.done = [&](const os::Exit& e) { exit = e; };
  auto task = *Task::start(*loop, std::move(options));
  const pid_t pid = task->pid();
  task.reset();
  CHECK(::kill(pid, 0) != 0);
  CHECK_FALSE(exit);
  options = {};
  options.spawn.argv = {"/no/such/program"};
  CHECK_FALSE(Task::start(*loop, std::move(options)));
}

TEST_CASE("supervisors that do not start", "[supervisor]") {
  const testing::TempDir temp;
  const Logger log(LogLevel::kError, [](std::string_view) {});
  const auto make = [&](Options options) {
    options.directory = temp.file("gw");
    return Supervisor::make(std::move(options), system_clock(), log);
  };
  const std::string service = temp.file("svc");
  std::ofstream(service) << "#!/bin/sh\n";
  std::filesystem::permissions(service, std::filesystem::perms::owner_all);
  CHECK(make({}).error().kind == ErrorKind::kUsage);
  CHECK(make({.command = {temp.file("none")}}).error().kind == ErrorKind::kNotFound);
  {
    const auto first = make({.command = {service}});
    REQUIRE(first);
    CHECK(make({.command = {service}}).error().kind == ErrorKind::kUnavailable);
  }
  CHECK(make({.command = {service}}));
  Options open_page{.command = {service}};
  open_page.web.admin = "0.0.0.0:0";
  CHECK(make(std::move(open_page)).error().kind == ErrorKind::kUsage);
  // a state of a later gwtool is not overwritten
  std::ofstream(temp.file("gw/state.json")) << R"({"version":99})";
  CHECK(make({.command = {service}}).error().kind == ErrorKind::kUsage);
}
