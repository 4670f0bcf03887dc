// The supervisor as a table: in each state, what follows from each event.
//
// What an action does to processes and files is lib/supervise's; it is done in the order given, and
// where one fails, that is the next event. So what survives a crash is in the order of actions
// here: a trial is recorded before the old service is stopped, a bad version before the link goes
// back. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gw::update {

enum class State : std::uint8_t {
  kRunning,    // the service runs, and nothing is under way
  kFetching,   // a build is looked up, downloaded and verified beside it
  kBefore,     // the operator's command before an update runs
  kStopping,   // the old service was told to end, to make room
  kTrial,      // the new one runs and may fail
  kBeside,     // it runs beside the old one, and neither is told to end yet
  kReverting,  // it failed and was told to end
  kEnding,     // somebody wants all of it to end
  kEnded,
};
inline constexpr std::size_t kStates = 9;

enum class Event : std::uint8_t {
  kUpdate,         // one is due, or asked for
  kFetched,        // the new binary is on the disk, verified
  kFetchFailed,    //
  kBeforeDone,     // the operator's command agrees, or there is none
  kBeforeBeside,   // likewise, and both are to run for a while
  kBeforeLater,    // not now
  kBeforeVeto,     // not this version
  kInstallFailed,  // a record or the link could not be written
  kStartFailed,    // the program could not be run
  kExited,         // the service ended
  kExitedOften,    // so did this new version a few times lately
  kStopTimeout,    // it did not end in time
  kTrialPassed,
  kNotReady,  // the new one does not get ready
  kCancel,    // somebody does not want this update any more
  kStop,      // a stop signal
};
inline constexpr std::size_t kEvents = 16;

enum class Action : std::uint8_t {
  kNone,
  kFetch,
  kCancelFetch,
  kRunBefore,
  kCancelBefore,
  kRecordTrial,    // durable: from here on a start finds a trial
  kForgetTrial,    // durable: it never began
  kRecordKept,     // durable: the new one stays
  kRecordFailure,  // durable: not the version's fault; try later
  kRecordCancel,   // durable: nobody's fault
  kRecordVeto,     // durable: never this version
  kRecordBad,      // durable: never this version, and nothing by itself until a person looks
  kTerminate,      // ask the service to end, and wait only so long
  kKill,
  kSwitch,      // the link to the new binary
  kSwitchBack,  // the link to the old one
  kStart,
  kStartBeside,  // the new one, while the old one runs
  kDropBeside,   // durable: the new one ends, and never was
  kTakeOver,     // the new one is the service, and the old one is told to end, aside
  kBeginTrial,
  kEnd,  // as the service did
};

struct Step {
  State next = State::kEnded;
  std::span<const Action> actions;
  bool expected = true;  // false: a defect of the caller; nothing changes
};
Step step(State state, Event event);

std::string_view state_name(State state);  // "running", as status shows it
std::string_view event_name(Event event);  // "fetch-failed"

}  // namespace gw::update
