#include "update/machine.h"

#include <array>

namespace gw::update {
namespace {

using A = Action;

// What a cell holds.
struct Cell {
  State next;
  std::array<Action, 4> actions;
  bool expected = true;
};

constexpr Cell to(State next, A a = A::kNone, A b = A::kNone, A c = A::kNone, A d = A::kNone) {
  return {next, {a, b, c, d}};
}
// May come late, and changes nothing any more.
constexpr Cell late(State state) { return {state, {}}; }
constexpr Cell never(State state) { return {state, {}, false}; }

using Row = std::array<Cell, kEvents>;

// One row a state, its cells in the order of Event.
constexpr std::array<Row, kStates> make_table() {
  using enum State;
  constexpr State r = kRunning;
  constexpr State f = kFetching;
  constexpr State b = kBefore;
  constexpr State s = kStopping;
  constexpr State t = kTrial;
  constexpr State o = kBeside;
  constexpr State v = kReverting;
  constexpr State e = kEnding;
  constexpr State x = kEnded;
  return {{
      {to(f, A::kFetch),                                                   // update
       late(r),                                                            // fetched
       late(r),                                                            // fetch-failed
       late(r),                                                            // before-done
       late(r),                                                            // before-beside
       late(r),                                                            // before-later
       late(r),                                                            // before-veto
       to(r, A::kDropBeside, A::kRecordFailure),                           // install-failed
       to(x, A::kEnd),                                                     // start-failed
       to(x, A::kEnd),                                                     // exited
       to(r, A::kRecordBad, A::kSwitchBack, A::kStart),                    // exited-often
       late(r),                                                            // stop-timeout
       late(r),                                                            // trial-passed
       late(r),                                                            // not-ready
       late(r),                                                            // cancel
       to(e, A::kTerminate)},                                              // stop
      {late(f),                                                            // update
       to(b, A::kRunBefore),                                               // fetched
       to(r, A::kRecordFailure),                                           // fetch-failed
       late(f),                                                            // before-done
       late(f),                                                            // before-beside
       late(f),                                                            // before-later
       late(f),                                                            // before-veto
       never(f),                                                           // install-failed
       never(f),                                                           // start-failed
       to(x, A::kCancelFetch, A::kEnd),                                    // exited
       to(r, A::kCancelFetch, A::kRecordBad, A::kSwitchBack, A::kStart),   // exited-often
       late(f),                                                            // stop-timeout
       late(f),                                                            // trial-passed
       late(f),                                                            // not-ready
       to(r, A::kCancelFetch, A::kRecordCancel),                           // cancel
       to(e, A::kCancelFetch, A::kTerminate)},                             // stop
      {late(b),                                                            // update
       never(b),                                                           // fetched
       never(b),                                                           // fetch-failed
       to(s, A::kRecordTrial, A::kTerminate),                              // before-done
       to(o, A::kRecordTrial, A::kStartBeside, A::kBeginTrial),            // before-beside
       to(r, A::kRecordFailure),                                           // before-later
       to(r, A::kRecordVeto),                                              // before-veto
       never(b),                                                           // install-failed
       never(b),                                                           // start-failed
       to(x, A::kCancelBefore, A::kEnd),                                   // exited
       to(r, A::kCancelBefore, A::kRecordBad, A::kSwitchBack, A::kStart),  // exited-often
       late(b),                                                            // stop-timeout
       late(b),                                                            // trial-passed
       late(b),                                                            // not-ready
       to(r, A::kCancelBefore, A::kRecordCancel),                          // cancel
       to(e, A::kCancelBefore, A::kTerminate)},                            // stop
      {late(s),                                                            // update
       never(s),                                                           // fetched
       never(s),                                                           // fetch-failed
       late(s),                                                            // before-done
       late(s),                                                            // before-beside
       late(s),                                                            // before-later
       late(s),                                                            // before-veto
       to(r, A::kRecordFailure),                                           // install-failed
       never(s),                                                           // start-failed
       to(t, A::kSwitch, A::kStart, A::kBeginTrial),                       // exited
       never(s),                                                           // exited-often
       to(s, A::kKill),                                                    // stop-timeout
       late(s),                                                            // trial-passed
       late(s),                                                            // not-ready
       to(v, A::kForgetTrial, A::kRecordCancel),                           // cancel
       to(e, A::kForgetTrial)},                                            // stop
      {late(t),                                                            // update
       never(t),                                                           // fetched
       never(t),                                                           // fetch-failed
       late(t),                                                            // before-done
       late(t),                                                            // before-beside
       late(t),                                                            // before-later
       late(t),                                                            // before-veto
       to(r, A::kRecordFailure, A::kStart),                                // install-failed
       to(r, A::kRecordBad, A::kSwitchBack, A::kStart),                    // start-failed
       to(r, A::kRecordBad, A::kSwitchBack, A::kStart),                    // exited
       to(r, A::kRecordBad, A::kSwitchBack, A::kStart),                    // exited-often
       late(t),                                                            // stop-timeout
       to(r, A::kRecordKept),                                              // trial-passed
       to(v, A::kRecordBad, A::kTerminate),                                // not-ready
       to(v, A::kRecordBad, A::kTerminate),                                // cancel
       to(e, A::kTerminate)},                                              // stop
      {late(o),                                                            // update
       never(o),                                                           // fetched
       never(o),                                                           // fetch-failed
       late(o),                                                            // before-done
       late(o),                                                            // before-beside
       late(o),                                                            // before-later
       late(o),                                                            // before-veto
       to(r, A::kDropBeside, A::kRecordFailure),                           // install-failed
       to(r, A::kRecordBad, A::kDropBeside),                               // start-failed
       to(x, A::kDropBeside, A::kEnd),                                     // exited
       never(o),                                                           // exited-often
       late(o),                                                            // stop-timeout
       to(r, A::kSwitch, A::kTakeOver, A::kRecordKept),                    // trial-passed
       to(r, A::kRecordBad, A::kDropBeside),                               // not-ready
       to(r, A::kRecordBad, A::kDropBeside),                               // cancel
       to(e, A::kDropBeside, A::kTerminate)},                              // stop
      {late(v),                                                            // update
       never(v),                                                           // fetched
       never(v),                                                           // fetch-failed
       late(v),                                                            // before-done
       late(v),                                                            // before-beside
       late(v),                                                            // before-later
       late(v),                                                            // before-veto
       never(v),                                                           // install-failed
       never(v),                                                           // start-failed
       to(r, A::kSwitchBack, A::kStart),                                   // exited
       never(v),                                                           // exited-often
       to(v, A::kKill),                                                    // stop-timeout
       late(v),                                                            // trial-passed
       late(v),                                                            // not-ready
       late(v),                                                            // cancel
       to(e, A::kSwitchBack)},                                             // stop
      {late(e),                                                            // update
       late(e),                                                            // fetched
       late(e),                                                            // fetch-failed
       late(e),                                                            // before-done
       late(e),                                                            // before-beside
       late(e),                                                            // before-later
       late(e),                                                            // before-veto
       never(e),                                                           // install-failed
       never(e),                                                           // start-failed
       to(x, A::kEnd),                                                     // exited
       never(e),                                                           // exited-often
       to(e, A::kKill),                                                    // stop-timeout
       late(e),                                                            // trial-passed
       late(e),                                                            // not-ready
       late(e),                                                            // cancel
       to(e, A::kTerminate)},                                              // stop
      {late(x), late(x), late(x), late(x), late(x), late(x), late(x), never(x), never(x), never(x),
       never(x), late(x), late(x), late(x), late(x), late(x)},
  }};
}

constexpr std::array<Row, kStates> kTable = make_table();

}  // namespace

Step step(State state, Event event) {
  const Cell& cell = kTable[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
  std::size_t count = 0;
  while (count < cell.actions.size() && cell.actions[count] != A::kNone) ++count;
  return {cell.next, {cell.actions.data(), count}, cell.expected};
}

std::string_view state_name(State state) {
  static constexpr std::array<std::string_view, kStates> kNames{"running",   "fetching", "before",
                                                                "stopping",  "trial",    "beside",
                                                                "reverting", "ending",   "ended"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view event_name(Event event) {
  static constexpr std::array<std::string_view, kEvents> kNames{
      "update",        "fetched",      "fetch-failed", "before-done",
      "before-beside", "before-later", "before-veto",  "install-failed",
      "start-failed",  "exited",       "exited-often", "stop-timeout",
      "trial-passed",  "not-ready",    "cancel",       "stop"};
  return kNames[static_cast<std::size_t>(event)];
}

}  // namespace gw::update
