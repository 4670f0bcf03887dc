#include "dnsd/change_watch.h"

#include <poll.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "dnsd/reload_request.h"
#include "support/dnsd/temp_dir.h"

using namespace gw;
using dnsd::ChangeWatch;

namespace {

constexpr std::chrono::minutes kLong{10};

struct Lab {
  dnsd::TempDir dir;
  FakeClock clock{from_unix(1'700'000'000)};
  os::Stop stop;
  dnsd::ReloadRequest reload;
  std::vector<std::string> files = {std::filesystem::canonical(dir.path).string() + "/db"};
  ChangeWatch watch{clock, [this] { return files; }};

  void write(const std::string& name) const { std::ofstream(dir.file(name), std::ios::app) << "x"; }
  // As if that much time went by without an event.
  void pass(std::chrono::seconds time) { clock.advance(time); }
  void become_idle() {
    CHECK_FALSE(watch.wait(stop, reload, Duration::zero()));
    pass(ChangeWatch::kQuickFor);
  }
};

}  // namespace

TEST_CASE("it looks often after what is watched is new, then listens") {
  Lab lab;
  CHECK_FALSE(lab.watch.wait(lab.stop, lab.reload, Duration::zero()));
  CHECK(lab.watch.quick());
  lab.pass(ChangeWatch::kQuickFor);
  CHECK_FALSE(lab.watch.quick());
  CHECK_FALSE(lab.watch.wait(lab.stop, lab.reload, Duration::zero()));
  CHECK_FALSE(lab.watch.quick());
}

TEST_CASE("a change is told at once, and looked for often for a while") {
  Lab lab;
  lab.become_idle();
  lab.write("db");
  CHECK_FALSE(lab.watch.wait(lab.stop, lab.reload, kLong));  // does not take kSlow
  CHECK(lab.watch.quick());
  lab.pass(ChangeWatch::kQuickFor - std::chrono::seconds(1));
  lab.write("db");
  CHECK_FALSE(lab.watch.wait(lab.stop, lab.reload, Duration::zero()));
  lab.pass(ChangeWatch::kQuickFor - std::chrono::seconds(1));
  CHECK(lab.watch.quick());
  lab.pass(std::chrono::seconds(1));
  CHECK_FALSE(lab.watch.quick());
}

TEST_CASE("a neighbour's change is listened to no more often than one looks") {
  Lab lab;
  lab.become_idle();
  lab.write("other");
  CHECK_FALSE(lab.watch.wait(lab.stop, lab.reload, kLong));
  CHECK(lab.watch.quick());
  lab.pass(std::chrono::seconds(1));
  CHECK_FALSE(lab.watch.quick());
}

TEST_CASE("a file that is newly named is looked at before it is listened for") {
  Lab lab;
  lab.become_idle();
  lab.files.push_back(lab.files[0] + ".included");
  CHECK_FALSE(lab.watch.wait(lab.stop, lab.reload, Duration::zero()));
  CHECK(lab.watch.quick());
}

TEST_CASE("where changes are not told it looks often throughout") {
  Lab lab;
  lab.files = {lab.dir.file("nowhere/db")};
  lab.become_idle();
  CHECK(lab.watch.quick());
  lab.pass(ChangeWatch::kQuickFor);
  CHECK(lab.watch.quick());
  std::filesystem::create_directory(lab.dir.file("nowhere"));
  lab.files = {std::filesystem::canonical(lab.dir.file("nowhere")).string() + "/db"};
  lab.become_idle();
  CHECK_FALSE(lab.watch.quick());
}

TEST_CASE("it is woken by a reload until that is taken, and ends with the stop") {
  Lab lab;
  lab.become_idle();
  CHECK_FALSE(lab.reload.take());
  std::thread other([&] { lab.reload.request(); });
  CHECK_FALSE(lab.watch.wait(lab.stop, lab.reload, kLong));
  other.join();
  CHECK_FALSE(lab.watch.wait(lab.stop, lab.reload, kLong));
  CHECK(lab.reload.take());
  CHECK_FALSE(lab.reload.take());
  pollfd nothing{lab.reload.fd(), POLLIN, 0};
  CHECK(::poll(&nothing, 1, 0) == 0);
  lab.reload.request();
  lab.reload.request();
  CHECK(lab.reload.take());
  CHECK_FALSE(lab.reload.take());
  lab.stop.request();
  CHECK(lab.watch.wait(lab.stop, lab.reload, kLong));
}
