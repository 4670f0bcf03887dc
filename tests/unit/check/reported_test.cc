#include "check/reported.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "os/file.h"

using gw::ErrorKind;
using gw::check::Outcome;
using gw::check::Release;
using gw::check::Reported;

namespace {

struct ReportedDir {
  ReportedDir() {
    std::string t = (std::filesystem::temp_directory_path() / "gw-reported-XXXXXX").string();
    REQUIRE(::mkdtemp(t.data()) != nullptr);
    path = t;
  }
  ~ReportedDir() { std::filesystem::remove_all(path); }
  std::string file() const { return path + "/state"; }
  std::string text() const { return *gw::os::read_file(file(), 1 << 20); }
  std::string path;
};

Outcome outcome(const std::string& name, const std::string& version,
                std::optional<std::string> known = {}) {
  Outcome o;
  o.name = name;
  o.known = std::move(known);
  Release r;
  r.name = name;
  r.version = version;
  o.releases.push_back(r);
  o.newer = o.known.has_value();
  return o;
}

// One call of check: marks, saves, and says whether it was reported before and is news.
struct Call {
  bool reported, newer;
};
Call call(const ReportedDir& dir, Outcome o) {
  auto state = Reported::open(dir.file(), {});
  if (!state) FAIL(state.error().message);
  std::vector<Outcome> all = {std::move(o)};
  state->mark(all);
  REQUIRE(state->save(all));
  return {all[0].releases[0].reported, all[0].newer};
}

}  // namespace

TEST_CASE("each version is reported once") {
  const ReportedDir dir;
  const auto first = call(dir, outcome("a.com/b", "v1.0.0"));
  CHECK_FALSE(first.reported);
  CHECK_FALSE(first.newer);  // the first time, without a known version, it is no news
  const auto again = call(dir, outcome("a.com/b", "v1.0.0"));
  CHECK(again.reported);
  CHECK_FALSE(again.newer);
  const auto next = call(dir, outcome("a.com/b", "v1.0.1"));
  CHECK_FALSE(next.reported);
  CHECK(next.newer);
  CHECK(call(dir, outcome("a.com/b", "v1.0.0")).reported);  // an old answer from some cache
  CHECK(dir.text() == "a.com/b v1.0.0\na.com/b v1.0.1\n");
}

TEST_CASE("a known version makes it news at once") {
  const ReportedDir dir;
  CHECK(call(dir, outcome("a.com/b", "v1.0.0", "v0.9.0")).newer);
  CHECK_FALSE(call(dir, outcome("a.com/b", "v1.0.0", "v0.9.0")).newer);
}

TEST_CASE("what else was told of a module makes its first release no news") {
  const ReportedDir dir;
  Outcome o = outcome("a.com/b", "v1.0.0", "v1.0.0");
  o.releases.clear();
  o.notes = {"a.com/b: is replaced"};
  o.had = gw::check::Had{.module = "a.com/b", .newest = "v1.0.0"};
  o.had->marks = {true, "why", "by another"};
  const auto told = [&] {
    auto state = Reported::open(dir.file(), {}).value();
    std::vector<Outcome> all = {o};
    state.mark(all);
    REQUIRE(state.save(all));
    return std::vector<bool>{all[0].noted, all[0].had->retracted_told, all[0].had->deprecated_told};
  };
  CHECK(told() == std::vector<bool>{false, false, false});
  CHECK(told() == std::vector<bool>{true, true, true});
  CHECK(dir.text() == "a.com/b -\na.com/b retracted:v1.0.0\na.com/b deprecated\n");
  // It is the version that is retracted.
  o.known = "v0.9.0";
  CHECK(told() == std::vector<bool>{true, false, true});
  CHECK_FALSE(call(dir, outcome("a.com/b", "v1.0.0")).newer);
  CHECK(call(dir, outcome("a.com/b", "v1.0.1")).newer);
}

TEST_CASE("names do not mix") {
  const ReportedDir dir;
  call(dir, outcome("a.com/b", "v1.0.0"));
  CHECK_FALSE(call(dir, outcome("a.com/b/v2", "v1.0.0")).reported);
  CHECK_FALSE(call(dir, outcome("a.com", "v1.0.0")).reported);
}

TEST_CASE("the list of a name is bounded") {
  const ReportedDir dir;
  for (int i = 0; i < 103; ++i) call(dir, outcome("a.com/b", "v1.0." + std::to_string(i)));
  CHECK_FALSE(call(dir, outcome("a.com/b", "v1.0.2")).reported);
  CHECK(call(dir, outcome("a.com/b", "v1.0.102")).reported);
  const auto text = dir.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 100);
}

TEST_CASE("an unchanged state is not written") {
  const ReportedDir dir;
  call(dir, outcome("a.com/b", "v1.0.0"));
  const auto before = std::filesystem::last_write_time(dir.file());
  std::filesystem::permissions(dir.file(), std::filesystem::perms::owner_read);
  call(dir, outcome("a.com/b", "v1.0.0"));
  CHECK(std::filesystem::last_write_time(dir.file()) == before);
}

TEST_CASE("calls at a time lose nothing of each other") {
  const ReportedDir dir;
  auto first = Reported::open(dir.file(), {});
  auto second = Reported::open(dir.file(), {});
  REQUIRE(first);
  REQUIRE(second);
  std::vector<Outcome> one = {outcome("a.com/b", "v1.0.0")};
  std::vector<Outcome> other = {outcome("c.com/d", "v1.0.0")};
  REQUIRE(first->save(one));
  REQUIRE(second->save(other));
  CHECK(dir.text() == "a.com/b v1.0.0\nc.com/d v1.0.0\n");
  CHECK(second->knows("a.com/b", "v1.0.0"));
}

TEST_CASE("the lock is waited for until the deadline", "[threads]") {
  const ReportedDir dir;
  auto held = gw::os::LockFile::acquire(dir.file() + ".lock");
  REQUIRE(held);
  auto second = Reported::open(dir.file(), {});
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kUnavailable);
  std::thread other([&] { second = Reported::open(dir.file(), gw::MonoTime::max()); });
  held = gw::unavailable_error("given back");
  other.join();
  CHECK(second);
}

TEST_CASE("what somebody uses is read by nobody else") {
  const ReportedDir dir;
  call(dir, outcome("a.com/b", "v1.0.0"));
  CHECK((std::filesystem::status(dir.file()).permissions() & std::filesystem::perms::all) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("files that are none of ours") {
  struct Case {
    std::string text;
    int line;
  };
  const Case cases[] = {{"hello\n", 1},
                        {"a v1\nb\n", 2},
                        {"a v1 x\n", 1},
                        {" a\n", 1},
                        {"a \n", 1},
                        {"a v1\n\nb v1\n", 2},
                        {std::string("a\0 b\n", 5), 1},
                        {"\xff\xfe x\n", 1}};
  for (const auto& c : cases) {
    const ReportedDir dir;
    REQUIRE(gw::os::write_file_atomic(dir.file(), c.text, 0600));
    auto state = Reported::open(dir.file(), {});
    CAPTURE(c.text);
    REQUIRE_FALSE(state);
    CHECK(state.error().kind == ErrorKind::kCorrupt);
    CHECK(state.error().message.find("/state:" + std::to_string(c.line) + ": ") !=
          std::string::npos);
    CHECK(dir.text() == c.text);
  }
  auto nowhere = Reported::open("/nonexistent/state", {});
  REQUIRE_FALSE(nowhere);
}
