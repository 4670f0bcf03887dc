#include "check/gosum_file.h"

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/temp_dir.h"
#include "support/tlog/test_log.h"
#include "tlog/go_log.h"

using gw::ErrorKind;
using gw::check::ProverOptions;
using gw::check::Reported;
using gw::check::SumFiles;
using gw::check::SumLine;
using gw::testing::TestLog;

namespace {

using State = SumLine::State;

SumFiles read(std::string_view text) {
  SumFiles found;
  gw::check::read_gosum("go.sum", text, found);
  return found;
}

std::vector<State> prove(TestLog& log, SumFiles& files) {
  gw::tlog::Client client(log, log.key(), gw::tlog::kGoLog);
  const auto result = gw::check::prove_sums(client, ProverOptions(), files.lines);
  CHECK_FALSE(result.error);
  std::vector<State> states;
  for (const auto& line : files.lines) states.push_back(line.state);
  return states;
}

}  // namespace

TEST_CASE("each version is looked up once, for both of its lines") {
  TestLog log;
  log.add_synthetic(300);
  const auto number = log.add("a.com/b", "v1.0.0");
  SumFiles files = read(log.record(number) + "a.com/b v1.0.0 h1:other=\nc.com/d v1.0.0 h1:x=\n");
  CHECK(prove(log, files) ==
        std::vector<State>{State::kProven, State::kProven, State::kFailed, State::kFailed});
  CHECK(files.lines[0].record == number);
  CHECK(files.lines[2].error->kind == ErrorKind::kUntrusted);
  CHECK(files.lines[2].log_sum == files.lines[0].sum);
  CHECK(files.lines[3].error->kind == ErrorKind::kNotFound);
  CHECK(sums_summary(files.files[0], files.lines) == "go.sum: 4 lines, 2 proven");
}

TEST_CASE("what is private or was proven before is not asked for") {
  const gw::testing::TempDir dir;
  TestLog log;
  log.add_synthetic(10);
  const std::string text =
      "a.com/b v1.0.0 h1:x=\na.com/b v1.0.0/go.mod h1:y=\nc.com/d v1.0.0 h1:z=\n";
  auto state = Reported::open(dir.file("state"), {});
  REQUIRE(state);
  state->add("a.com/b@v1.0.0", "h1:x=");
  state->add("a.com/b@v1.0.0/go.mod", "h1:x=");
  SumFiles files = read(text);
  leave_out_private(files.lines, "c.com");
  mark_proven(*state, files.lines);
  CHECK(prove(log, files) ==
        std::vector<State>{State::kProvenBefore, State::kFailed, State::kPrivate});
  files.lines[1].state = State::kProven;
  files.lines[2].module = "a b";  // no word: not remembered, and the file stays readable
  files.lines[2].state = State::kProven;
  remember_proven(files.lines, *state);
  REQUIRE(state->save({}));
  CHECK(*gw::os::read_file(dir.file("state"), 999) ==
        "a.com/b@v1.0.0 h1:x=\na.com/b@v1.0.0/go.mod h1:x=\na.com/b@v1.0.0/go.mod h1:y=\n");
}
