// What the follower does about what happens: one table, state × event → action, every cell of it.
//
// An event is what an error means, and the error alone tells that: by its kind, and by the evidence
// that it carries. A state is a place at which something can happen: after a step of a round, after
// a try of it, after the round. How often one failure was tried and how long another lasts is
// counted here, too.
//
// Pure: no clock, file or socket. Values; one thread at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "tlog/bad_tiles.h"

namespace gw::follow {

enum class Event : std::uint8_t {
  kDone,           // no error
  kContradiction,  // the log contradicts itself; the error carries the proof (tlog::Contradiction)
  kBadTile,        // tiles that are not those of a signed head (tlog::BadTiles)
  kJunk,           // records from a mirror that are not those of the log's own hashes (Junk)
  kUnverified,     // a note that does not verify: none of the log's, used for nothing
  kUnavailable,    // a retry may help
  kMissing,        // the source says that it has no such file
  kSystem,         // the operating system refused: disk full
  kBroken,         // options, the database or gwtool itself: no retry helps
  kHalted,         // an alarm was raised and stands (Halted)
};
inline constexpr std::size_t kEvents = 10;

enum class State : std::uint8_t {
  kStep,     // in a round, behind one of its steps
  kPeer,     // in a round, behind the comparison with one head that somebody else saw
  kTry,      // behind a try of a round, and this failure may be tried again
  kLast,     // behind a try of a round, and it was this failure's last one
  kProven,   // with --once: the same tile was bad in all of its tries
  kLoop,     // behind a round of the loop
  kOverdue,  // behind a round of the loop, bad tiles having lasted for the patience
};
inline constexpr std::size_t kStates = 7;

enum class Action : std::uint8_t {
  kGoOn,      // with the next step, head or round
  kNote,      // go on; the round has failed by this unless something worse comes
  kWarn,      // go on; only a warning
  kTryAgain,  // the round, after a pause
  kBackOff,   // the next round, after a pause that grows
  kAlarm,     // keep the evidence, halt the database, run the operator's command; then as kHalted
  kEnd,       // give the error, if there is one, to the caller
};

namespace reactions {
using enum Action;
// Columns as in Event, rows as in State. A proof is never passed over, an alarm never tried again.
// clang-format off
inline constexpr std::array<std::array<Action, kEvents>, kStates> kTable = {{
//              done   contradiction  bad tile   junk       unverified  unavailable  missing   system    broken  halted
/* step    */ { kGoOn, kAlarm,        kNote,     kNote,     kNote,      kNote,       kNote,    kEnd,     kEnd,   kEnd },
/* peer    */ { kGoOn, kAlarm,        kNote,     kWarn,     kWarn,      kWarn,       kWarn,    kEnd,     kEnd,   kEnd },
/* try     */ { kEnd,  kAlarm,        kTryAgain, kTryAgain, kTryAgain,  kTryAgain,  kTryAgain, kEnd,     kEnd,   kEnd },
/* last    */ { kEnd,  kAlarm,        kEnd,      kEnd,      kEnd,       kEnd,        kEnd,     kEnd,     kEnd,   kEnd },
/* proven  */ { kEnd,  kAlarm,        kAlarm,    kEnd,      kEnd,       kEnd,        kEnd,     kEnd,     kEnd,   kEnd },
/* loop    */ { kGoOn, kAlarm,        kBackOff,  kBackOff,  kBackOff,   kBackOff,    kBackOff, kBackOff, kEnd,   kEnd },
/* overdue */ { kGoOn, kAlarm,        kAlarm,    kBackOff,  kBackOff,   kBackOff,    kBackOff, kBackOff, kEnd,   kEnd },
}};
// clang-format on
}  // namespace reactions

constexpr Action react(State state, Event event) {
  return reactions::kTable[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

// Marks an error that says that an alarm stands.
struct Halted : ErrorDetail {};

// Bad tiles that say nothing about the log: the hashes that the log signed for these records came,
// and a mirror, which signs nothing, gave other records.
struct Junk : tlog::BadTiles {
  explicit Junk(tlog::BadTiles bad) : BadTiles(std::move(bad)) {}
};

// The same error, kUnavailable with Junk, when it is that, coming from a mirror.
Error blame_mirror(Error error, const std::string& mirror);

Event event_of(const Error& error);
template <class T>
Event event_of(const Result<T>& result) {
  return result ? Event::kDone : event_of(result.error());
}

enum class Mode : std::uint8_t { kOnce, kLoop };

// The tries of one round. Bad tiles are counted one by one and apart from what a network does: an
// alarm takes the same one `limit` times.
class Tries {
 public:
  Tries(Mode mode, int limit) : mode_(mode), limit_(limit) {}

  // Counts a bad tile in the middle of a try, and tells whether that tile alone may be asked for
  // again. If not, nothing is counted: the error is the try's, for count().
  bool again(const Error& bad_tile);
  // Counts a failure. `moved`: records were stored since the last one, so that it repeats nothing.
  // The round's error is to be finish()ed.
  State count(const Error& error, bool moved);
  // The error with the bad tile that an earlier try met, if it carries none itself: an alarm comes
  // of it once that has lasted.
  Error finish(Error error) const;
  // Of the round, in a row; at least one.
  int failures() const;

 private:
  Mode mode_;
  int limit_;
  std::map<std::string, int> by_tile_;
  int bad_ = 0;
  int others_ = 0;
  std::optional<Error> bad_tile_;  // the last one
};

// How long rounds of the loop have met bad tiles: a good round ends that, or records stored since.
class Lasting {
 public:
  void end() { since_.reset(); }
  // A round failed by bad tiles, at this position of the database.
  void note(MonoTime now, std::uint64_t position);
  bool over(MonoTime now, std::chrono::seconds patience) const {
    return since_ && now - *since_ >= patience;
  }

 private:
  std::optional<MonoTime> since_;
  std::uint64_t position_ = 0;
};

}  // namespace gw::follow
