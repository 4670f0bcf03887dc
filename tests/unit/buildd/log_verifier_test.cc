#include "buildd/log_verifier.h"

#include <catch2/catch.hpp>

#include "build/log_copy.h"
#include "buildd/claims.h"
#include "support/temp_dir.h"
#include "support/tlog/own_log.h"
#include "tlog/build_log.h"

using namespace gw;
using namespace gw::buildd;
using namespace gw::testing;

namespace {

tlog::SignerKey verifying_key() {
  return tlog::SignerKey::from_seed("v.example", std::string(32, 'v')).value();
}

std::string verified_record(const std::string& version, std::uint64_t size = 7) {
  return tlog::format_build_record({{"a.b/c", version, "/", "js", "wasm", "go1.26.8", false},
                                    size,
                                    "0zkPWcxWmiWHZYW2QX4N5VurqP4g"});
}

build::Key verified_key(const std::string& record) {
  return build::key_of_record(*tlog::parse_build_record(record));
}

// Another service's log, copied to a directory, with one record of v1.0.0.
struct VerifierLab {
  VerifierLab() : log(verifying_key()) {
    log.append({verified_record("v1.0.0")});
    const auto head =
        tlog::Checkpoint::open(log.writer().head()->latest, log.latest.key(), tlog::kBuildLog)
            .value();
    REQUIRE(build::copy_log(log, head, log.latest.key(), {dir.file("copy")}));
  }

  Verifier verifier() {
    return log_verifier("v.example", [this](const os::Stop& stop, const auto& sent) {
      stops.push_back(&stop);
      headers = sent;
      build::LogClientOptions options(log.latest.key());
      options.source = dir.file("copy") + "/tlog";
      options.state = dir.path();
      return build::LogClient::make(std::move(options), system_clock());
    });
  }
  Status ask(const std::string& record, const std::vector<std::string>& marks = {}) {
    const build::Key key = verified_key(record);
    return verifier().ask({key, record, marks, settled});
  }

  TempDir dir;
  OwnLog log;
  os::Stop settled;
  std::vector<const os::Stop*> stops;
  std::vector<net::HttpHeader> headers;
};

}  // namespace

TEST_CASE("log verifier: the same record in the other log is agreement", "[log_verifier]") {
  VerifierLab lab;
  CHECK(lab.verifier().name == "v.example");
  CHECK_FALSE(lab.verifier().knows_private);
  CHECK(lab.ask(verified_record("v1.0.0")));
  // It is asked anew for each build, as long as anybody waits for that one.
  CHECK(lab.ask(verified_record("v1.0.0")));
  CHECK(lab.stops == std::vector<const os::Stop*>{&lab.settled, &lab.settled});
  CHECK(lab.headers.empty());
}

TEST_CASE("log verifier: another record of the key is told, with what it says", "[log_verifier]") {
  VerifierLab lab;
  const Status said = lab.ask(verified_record("v1.0.0", 8));
  REQUIRE_FALSE(said);
  CHECK(said.error().kind == ErrorKind::kUntrusted);
  CHECK(said.error().message ==
        "v.example got another result: 7 bytes, 0zkPWcxWmiWHZYW2QX4N5VurqP4g");
}

TEST_CASE("log verifier: what it has not, or cannot be asked about, names it", "[log_verifier]") {
  VerifierLab lab;
  const Status said = lab.ask(verified_record("v1.0.1"));
  REQUIRE_FALSE(said);
  CHECK(said.error().kind == ErrorKind::kNotFound);
  CHECK(said.error().message.starts_with("v.example: "));

  const Verifier closed = log_verifier("v.example", [](const auto&, const auto&) {
    return Result<std::unique_ptr<build::LogClient>>(unavailable_error("closed"));
  });
  const std::string record = verified_record("v1.0.0");
  const build::Key key = verified_key(record);
  CHECK(closed.ask({key, record, {}, lab.settled}).error().message == "v.example: closed");
}

TEST_CASE("log verifier: the marks of all who wait for it go along", "[log_verifier]") {
  VerifierLab lab;
  CHECK(lab.ask(verified_record("v1.0.0"), {"one", "two"}));
  REQUIRE(lab.headers.size() == 2);
  CHECK(lab.headers[0].name == kHopHeader);
  CHECK(lab.headers[0].value == "one");
  CHECK(lab.headers[1].value == "two");
}
