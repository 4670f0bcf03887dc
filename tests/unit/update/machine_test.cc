// Every cell of the supervisor's table, said a second time in words, and what must hold on any way
// through it.
#include "update/machine.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"

using namespace gw;
using namespace gw::update;

namespace {

// STATE EVENT -> STATE: ACTIONS. What is not here changes nothing.
constexpr const char* kCells = R"(
running update -> fetching: fetch
running install-failed -> running: drop-beside record-failure
running start-failed -> ended: end
running exited -> ended: end
running exited-often -> running: record-bad switch-back start
running stop -> ending: terminate
fetching fetched -> before: run-before
fetching fetch-failed -> running: record-failure
fetching exited -> ended: cancel-fetch end
fetching exited-often -> running: cancel-fetch record-bad switch-back start
fetching cancel -> running: cancel-fetch record-cancel
fetching stop -> ending: cancel-fetch terminate
before before-done -> stopping: record-trial terminate
before before-beside -> beside: record-trial start-beside begin-trial
before before-later -> running: record-failure
before before-veto -> running: record-veto
before exited -> ended: cancel-before end
before exited-often -> running: cancel-before record-bad switch-back start
before cancel -> running: cancel-before record-cancel
before stop -> ending: cancel-before terminate
stopping exited -> trial: switch start begin-trial
stopping install-failed -> running: record-failure
stopping stop-timeout -> stopping: kill
stopping cancel -> reverting: forget-trial record-cancel
stopping stop -> ending: forget-trial
trial install-failed -> running: record-failure start
trial start-failed -> running: record-bad switch-back start
trial exited -> running: record-bad switch-back start
trial exited-often -> running: record-bad switch-back start
trial trial-passed -> running: record-kept
trial not-ready -> reverting: record-bad terminate
trial cancel -> reverting: record-bad terminate
trial stop -> ending: terminate
beside install-failed -> running: drop-beside record-failure
beside start-failed -> running: record-bad drop-beside
beside exited -> ended: drop-beside end
beside trial-passed -> running: switch take-over record-kept
beside not-ready -> running: record-bad drop-beside
beside cancel -> running: record-bad drop-beside
beside stop -> ending: drop-beside terminate
reverting exited -> running: switch-back start
reverting stop-timeout -> reverting: kill
reverting stop -> ending: switch-back
ending exited -> ended: end
ending stop-timeout -> ending: kill
ending stop -> ending: terminate
)";

std::map<std::string, std::string> cells() {
  std::map<std::string, std::string> out;
  std::string_view rest = kCells;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    const std::size_t arrow = line.find(" -> ");
    if (arrow != line.npos) {
      out.emplace(std::string(line.substr(0, arrow)), std::string(line.substr(arrow + 4)));
    }
  }
  return out;
}

// As kCells spells them.
std::string_view action_name(Action action) {
  static constexpr std::array<std::string_view, 22> kNames{
      "none",         "fetch",        "cancel-fetch", "run-before",     "cancel-before",
      "record-trial", "forget-trial", "record-kept",  "record-failure", "record-cancel",
      "record-veto",  "record-bad",   "terminate",    "kill",           "switch",
      "switch-back",  "start",        "start-beside", "drop-beside",    "take-over",
      "begin-trial",  "end"};
  return kNames[static_cast<std::size_t>(action)];
}

std::string text(const Step& step) {
  std::string out = std::string(state_name(step.next)) + ":";
  for (const Action action : step.actions) out += " " + std::string(action_name(action));
  return out;
}

template <class F>
void each_cell(F f) {
  for (std::size_t s = 0; s < kStates; ++s) {
    for (std::size_t e = 0; e < kEvents; ++e) f(static_cast<State>(s), static_cast<Event>(e));
  }
}

bool has(const Step& step, Action action) {
  return std::find(step.actions.begin(), step.actions.end(), action) != step.actions.end();
}

}  // namespace

TEST_CASE("every cell", "[machine]") {
  const auto expected = cells();
  std::size_t seen = 0;
  each_cell([&](State state, Event event) {
    const std::string name = std::string(state_name(state)) + " " + std::string(event_name(event));
    INFO(name);
    const Step got = step(state, event);
    const auto cell = expected.find(name);
    seen += cell == expected.end() ? 0U : 1U;
    CHECK(text(got) ==
          (cell == expected.end() ? std::string(state_name(state)) + ":" : cell->second));
    if (!got.expected) CHECK(got.actions.empty());
  });
  CHECK(seen == expected.size());
}

TEST_CASE("what holds in every cell", "[machine]") {
  each_cell([](State state, Event event) {
    INFO(state_name(state) << " " << event_name(event));
    const Step got = step(state, event);
    // A service that ended is started again, or the supervisor ends: never none.
    const bool gone = event == Event::kExited || event == Event::kExitedOften;
    if (gone && got.expected) CHECK((has(got, Action::kStart) || has(got, Action::kEnd)));
    // The link moves only while no service runs, or once the new one is ready beside the old.
    if (has(got, Action::kSwitch)) {
      CHECK((event == Event::kExited || state == State::kBeside));
    }
    // A bad version is on the disk before the link goes back.
    if (has(got, Action::kRecordBad) && has(got, Action::kSwitchBack)) {
      const auto at = [&](Action a) {
        return std::find(got.actions.begin(), got.actions.end(), a);
      };
      CHECK(at(Action::kRecordBad) < at(Action::kSwitchBack));
      CHECK(at(Action::kSwitchBack) < at(Action::kStart));
    }
    // A stop wins in every state in which something runs.
    if (event == Event::kStop && state != State::kEnded) CHECK(got.next == State::kEnding);
    // Ending starts nothing any more.
    if (state == State::kEnding || state == State::kEnded) {
      CHECK_FALSE(has(got, Action::kStart));
      CHECK((got.next == State::kEnding || got.next == State::kEnded));
    }
  });
}

TEST_CASE("a trial was always recorded, and always ends on record", "[machine]") {
  // All ways through the table, with what the disk knows: 0 nothing, 1 a trial, 2 a bad version.
  std::set<std::pair<State, int>> done;
  std::vector<std::pair<State, int>> open{{State::kRunning, 0}};
  while (!open.empty()) {
    const auto [state, disk] = open.back();
    open.pop_back();
    if (!done.emplace(state, disk).second) continue;
    for (std::size_t e = 0; e < kEvents; ++e) {
      const Step got = step(state, static_cast<Event>(e));
      int now = disk;
      for (const Action action : got.actions) {
        if (action == Action::kRecordTrial) now = 1;
        if (action == Action::kSwitch) CHECK(now == 1);
        if (action == Action::kRecordBad) now = 2;
        if (action == Action::kSwitchBack) CHECK(now != 1);  // 0: the link never moved
        if (action == Action::kRecordKept || action == Action::kForgetTrial) now = 0;
        if (action == Action::kRecordFailure) now = 0;
        if (action == Action::kDropBeside) now = 0;
        if (action == Action::kStart && now == 2) now = 0;
      }
      open.emplace_back(got.next, now);
    }
  }
  CHECK(done.count({State::kTrial, 0}) == 0);
  CHECK(done.count({State::kRunning, 1}) == 0);
}

TEST_CASE("names", "[machine]") {
  std::set<std::string_view> names;
  for (std::size_t s = 0; s < kStates; ++s) names.insert(state_name(static_cast<State>(s)));
  CHECK(names.size() == kStates);
  names.clear();
  for (std::size_t e = 0; e < kEvents; ++e) names.insert(event_name(static_cast<Event>(e)));
  CHECK(names.size() == kEvents);
  names.clear();
  for (std::size_t a = 0; a <= static_cast<std::size_t>(Action::kEnd); ++a) {
    names.insert(action_name(static_cast<Action>(a)));
  }
  CHECK(names.size() == static_cast<std::size_t>(Action::kEnd) + 1);
}
