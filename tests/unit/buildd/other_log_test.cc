#include "buildd/other_log.h"

#include <catch2/catch.hpp>
#include <set>

#include "base/bytes.h"
#include "build/log_copy.h"
#include "module/gzip.h"
#include "os/file.h"
#include "support/temp_dir.h"
#include "support/tlog/own_log.h"
#include "tlog/build_log.h"

using namespace gw;
using namespace gw::buildd;
using namespace gw::testing;

namespace {

tlog::SignerKey key_named(const char* name) {
  return tlog::SignerKey::from_seed(name, std::string(32, name[0])).value();
}

std::string record_of(std::uint64_t n) {
  const std::string version = "v1.0." + std::to_string(n);
  return tlog::format_build_record({{"a.b/c", version, "/", "js", "wasm", "go1.26.8", false},
                                    7,
                                    "0zkPWcxWmiWHZYW2QX4N5VurqP4g"});
}

// Another service's log in a directory, and a service that builds what it is told to.
struct OtherLogLab {
  OtherLogLab()
      : other(key_named("a.example")),
        signer(key_named("b.example")),
        ledger(Ledger::open(dir.file("ledger.db")).value()),
        log(tlog::LogWriter::open(*ledger, {&signer, nullptr}).value()),
        queue([this](const build::Key& key, const BuildQueue::Progress&) { return build(key); },
              100) {
    REQUIRE(queue.start(2));
  }

  void log_elsewhere(std::uint64_t records) {
    std::vector<std::string> texts;
    for (std::uint64_t n = other.store.records().size(); n < records; ++n) {
      texts.push_back(record_of(n));
    }
    other.append(texts);
    const auto head =
        tlog::Checkpoint::open(other.writer().head()->latest, other.latest.key(), tlog::kBuildLog)
            .value();
    REQUIRE(build::copy_log(other, head, other.latest.key(), {dir.file("copy")}));
  }

  BuildUpdate build(const build::Key& key) {
    ++builds;
    const std::string name = build::format_key(key);
    const std::uint64_t n = *parse_decimal(std::string_view(key.version).substr(5));
    BuildUpdate out;
    out.error = "it failed";
    if (gone.contains(n)) {
      out.kind = BuildUpdate::Kind::kPermFailed;
    } else if (differs.contains(n)) {
      out.kind = BuildUpdate::Kind::kTempFailed;
    } else {
      CHECK(log->append({name, record_of(n), std::make_shared<BuildResult>()}));
      out.kind = BuildUpdate::Kind::kSuccess;
    }
    return out;
  }

  std::unique_ptr<OtherLog> open() {
    return OtherLog::make(
               [this] {
                 build::LogClientOptions options(other.latest.key());
                 options.source = dir.file("copy/tlog");
                 options.state = dir.path();
                 return build::LogClient::make(std::move(options), clock);
               },
               dir.file("verified"), 2, {queue, *ledger, clock, logger, stop})
        .value();
  }
  std::string state() { return os::read_file(dir.file("verified"), 1000).value(); }

  TempDir dir;
  FakeClock clock{WallTime(std::chrono::seconds(1'800'000'000))};
  Logger logger{LogLevel::kError, [](std::string_view) {}};
  os::Stop stop;
  OwnLog other;
  tlog::KeySigner signer;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<tlog::LogWriter> log;
  std::set<std::uint64_t> gone, differs;
  std::atomic<int> builds = 0;
  BuildQueue queue;
};

}  // namespace

TEST_CASE("other log: every record is built, once", "[other_log]") {
  OtherLogLab lab;
  lab.log_elsewhere(5);
  lab.gone = {1};
  lab.differs = {3};
  auto other = lab.open();
  REQUIRE(other->round());
  CHECK(lab.builds == 5);
  CHECK(lab.ledger->size().value() == 3);
  CHECK(lab.state() == "5\n1\n3\n");
  // What is new; what failed is for later.
  lab.log_elsewhere(7);
  REQUIRE(other->round());
  CHECK(lab.builds == 7);
  CHECK(lab.state() == "7\n1\n3\n");
  // A start goes on, and tries those again.
  other = lab.open();
  REQUIRE(other->round());
  CHECK(lab.builds == 9);
  REQUIRE(other->round());
  CHECK(lab.builds == 9);
  lab.differs.clear();
  lab.clock.advance(std::chrono::hours(2));
  REQUIRE(other->round());
  CHECK(lab.builds == 11);
  CHECK(lab.state() == "7\n1\n");
  CHECK(lab.ledger->size().value() == 6);
  // Also what cannot be built here, which the other log says can.
  lab.gone.clear();
  lab.clock.advance(std::chrono::hours(2));
  REQUIRE(other->round());
  CHECK(lab.state() == "7\n");
  CHECK(lab.ledger->size().value() == 7);
}

TEST_CASE("other log: a stop forgets nothing", "[other_log]") {
  OtherLogLab lab;
  lab.log_elsewhere(3);
  auto other = lab.open();
  lab.stop.request();
  CHECK(other->round().error().kind == ErrorKind::kUnavailable);
  CHECK(lab.queue.running() + lab.queue.waiting() <= 3);
  lab.queue.close();
}

TEST_CASE("other log: its state as text", "[other_log]") {
  const auto state = parse_other_log_state("12\n3\n7\n").value();
  CHECK(state.next == 12);
  CHECK(state.again == std::set<std::uint64_t>{3, 7});
  CHECK(format_other_log_state(state) == "12\n3\n7\n");
  for (const char* bad : {"", "x\n", "3\n3\n", "3\n\n", "-1\n"}) {
    CHECK_FALSE(parse_other_log_state(bad));
  }
}
