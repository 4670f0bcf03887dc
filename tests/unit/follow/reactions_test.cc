// The table of the follower, cell by cell, and what fills its rows and columns.
#include "follow/reactions.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "follow/repeats.h"
#include "support/tlog/test_log.h"
#include "tlog/bad_tiles.h"
#include "tlog/evidence.h"

using namespace gw;
using namespace gw::follow;
using gw::testing::TestLog;

namespace {

Error bad_tile(const std::string& path) {
  TestLog log;
  return tlog::bad_tiles_error(path + ": bad", {log.head(0), {{path, "x"}}});
}

std::string letters(State state) {
  // In the order of Action.
  static const std::string names = "gnwtbae";
  std::string out;
  for (std::size_t e = 0; e < kEvents; ++e) {
    out += names.at(static_cast<std::size_t>(react(state, static_cast<Event>(e))));
  }
  return out;
}

}  // namespace

TEST_CASE("what the follower does in every state about every event") {
  // done, contradiction, bad tile, junk, unverified, unavailable, missing, system, broken, halted:
  // go on, note, warn, try again, back off, alarm, end.
  CHECK(letters(State::kStep) == "gannnnneee");
  CHECK(letters(State::kPeer) == "ganwwwweee");
  CHECK(letters(State::kTry) == "eattttteee");
  CHECK(letters(State::kLast) == "eaeeeeeeee");
  CHECK(letters(State::kProven) == "eaaeeeeeee");
  CHECK(letters(State::kLoop) == "gabbbbbbee");
  CHECK(letters(State::kOverdue) == "gaabbbbbee");
}

TEST_CASE("a proof is an alarm and an alarm ends it, wherever it comes") {
  for (std::size_t s = 0; s < kStates; ++s) {
    CHECK(react(static_cast<State>(s), Event::kContradiction) == Action::kAlarm);
    CHECK(react(static_cast<State>(s), Event::kHalted) == Action::kEnd);
    CHECK(react(static_cast<State>(s), Event::kBroken) == Action::kEnd);
  }
}

TEST_CASE("what an error means is in the error alone") {
  CHECK(event_of(Status()) == Event::kDone);
  CHECK(event_of(untrusted_error("x")) == Event::kUnverified);
  CHECK(event_of(unavailable_error("x")) == Event::kUnavailable);
  CHECK(event_of(not_found_error("x")) == Event::kMissing);
  CHECK(event_of(io_error("x")) == Event::kSystem);
  CHECK(event_of(usage_error("x")) == Event::kBroken);
  CHECK(event_of(corrupt_error("x")) == Event::kBroken);
  CHECK(event_of(internal_error("x")) == Event::kBroken);
  CHECK(event_of(bad_tile("tile/8/0/000").in("doing this")) == Event::kBadTile);
  CHECK(event_of(tlog::contradiction_error({}).in("doing that")) == Event::kContradiction);
  Error conflict = untrusted_error("x");
  conflict.detail =
      std::make_shared<Conflicts>(tlog::Evidence{}, std::vector<store::RepeatedVersion>{});
  CHECK(event_of(conflict) == Event::kContradiction);
  Error halted = untrusted_error("x");
  halted.detail = std::make_shared<Halted>();
  CHECK(event_of(halted) == Event::kHalted);
}

TEST_CASE("what a mirror sends is not what the log signed") {
  TestLog log;
  log.add_synthetic(300);
  const auto with_proof = [&](const std::string& path) {
    return tlog::bad_tiles_error(path + ": bad", {log.head(300), {{path, "x"}}, {{"above", "y"}}});
  };
  const Error records = blame_mirror(with_proof("tile/8/data/000"), "a mirror");
  CHECK(event_of(records) == Event::kJunk);
  CHECK(records.kind == ErrorKind::kUnavailable);
  CHECK(records.message == "a mirror delivers what is not in the log: tile/8/data/000: bad");
  CHECK(tlog::find_bad_tiles(records)->tiles[0].bytes == "x");
  // Once is enough.
  CHECK(blame_mirror(records, "a mirror").message == records.message);
  // The log signed a head, and its hashes are not to be had.
  CHECK(event_of(blame_mirror(with_proof("tile/8/0/000"), "a mirror")) == Event::kBadTile);
  CHECK(event_of(blame_mirror(bad_tile("tile/8/data/000"), "a mirror")) == Event::kBadTile);
  CHECK(event_of(blame_mirror(unavailable_error("x"), "a mirror")) == Event::kUnavailable);
}

TEST_CASE("how often a round is tried") {
  const Error down = unavailable_error("down");
  const Error a = bad_tile("tile/8/0/000");
  const Error b = bad_tile("tile/8/1/000");
  SECTION("a network's failures") {
    Tries tries(Mode::kOnce, 3);
    CHECK(tries.count(down, false) == State::kTry);
    CHECK(tries.count(down, false) == State::kTry);
    CHECK(tries.count(down, true) == State::kTry);  // it moved: counted anew
    CHECK(tries.count(down, false) == State::kTry);
    CHECK(tries.count(down, false) == State::kTry);
    CHECK(tries.failures() == 2);
    CHECK(tries.count(down, false) == State::kLast);
  }
  SECTION("one tile, whatever happens in between") {
    const Mode mode = GENERATE(Mode::kOnce, Mode::kLoop);
    Tries tries(mode, 3);
    CHECK(tries.count(a, true) == State::kTry);
    CHECK(tries.count(down, false) == State::kTry);
    CHECK(tries.count(b, false) == State::kTry);
    CHECK(tries.count(a, true) == State::kTry);
    CHECK(tries.count(a, true) == (mode == Mode::kOnce ? State::kProven : State::kLast));
  }
  SECTION("one tile, asked for again in the middle of a try") {
    Tries tries(Mode::kOnce, 3);
    CHECK(tries.again(a));
    CHECK(event_of(tries.finish(down)) == Event::kBadTile);
    CHECK(tries.count(down, false) == State::kTry);
    CHECK(tries.again(b));
    CHECK(tries.again(a));
    CHECK_FALSE(tries.again(a));  // its third time is the try's error
    CHECK(tries.count(a, false) == State::kProven);
    CHECK(tries.again(b));
  }
  SECTION("many tiles") {
    Tries tries(Mode::kOnce, 3);
    for (int i = 0; i < 8; ++i) {
      CHECK(tries.count(bad_tile("tile/8/0/00" + std::to_string(i)), false) == State::kTry);
    }
    CHECK(tries.count(a.in("x"), false) == State::kLast);
  }
}

TEST_CASE("a round's error carries the bad tile that it met, whatever failed last") {
  Tries tries(Mode::kLoop, 3);
  const Error down = unavailable_error("down");
  CHECK(event_of(tries.finish(down)) == Event::kUnavailable);
  tries.count(bad_tile("tile/8/0/000"), false);
  tries.count(down, false);
  const Error e = tries.finish(down);
  CHECK(event_of(e) == Event::kBadTile);
  CHECK(e.kind == ErrorKind::kUnavailable);
  CHECK(e.message == "down");
  CHECK(tlog::find_bad_tiles(e)->what == "tile/8/0/000: bad");
  CHECK(event_of(tries.finish(corrupt_error("x"))) == Event::kBroken);
  CHECK(event_of(tries.finish(tlog::contradiction_error({}))) == Event::kContradiction);
}

TEST_CASE("how long bad tiles last") {
  using std::chrono::minutes;
  const std::chrono::hours patience(1);
  const MonoTime start{};
  Lasting lasting;
  CHECK_FALSE(lasting.over(start + minutes(600), patience));
  lasting.note(start, 5);
  CHECK_FALSE(lasting.over(start + minutes(59), patience));
  CHECK(lasting.over(start + minutes(60), patience));
  SECTION("from the first one on") {
    lasting.note(start + minutes(50), 5);
    CHECK(lasting.over(start + minutes(60), patience));
  }
  SECTION("records came in") {
    lasting.note(start + minutes(50), 6);
    CHECK_FALSE(lasting.over(start + minutes(60), patience));
    CHECK(lasting.over(start + minutes(110), patience));
  }
  SECTION("a good round") {
    lasting.end();
    CHECK_FALSE(lasting.over(start + minutes(600), patience));
  }
}
