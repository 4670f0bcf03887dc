#include "supervise/messages.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "supervise/helper.h"
#include "supervise/proof.h"
#include "support/tlog/test_log.h"

using namespace gw;
using namespace gw::supervise;
using gw::testing::TestLog;

namespace {

const build::Key kKey{"example.org/svc",  "v0.1.0",   "/cmd/svc",
                      {"linux", "amd64"}, "go1.26.8", true};

std::string record(const build::Key& key) {
  return tlog::format_build_record({key.view(), 3, build::format_binary_sum(sha256("xyz"))});
}

// What a helper would send of this log.
ProofFiles gather(TestLog& log, const std::optional<std::string>& head = {}) {
  RecordingSource recording(log);
  tlog::Client client(recording, log.key(), tlog::kBuildLog);
  REQUIRE(build::prove_build(client, kKey, head));
  return *parse_proof(format_proof(recording.files()));
}

}  // namespace

TEST_CASE("frames in any pieces", "[messages]") {
  const std::string all = format_frame(FrameKind::kAnswer, "{}") +
                          format_frame(FrameKind::kData, std::string(kMaxData, 'x')) +
                          format_frame(FrameKind::kError, "");
  for (const std::size_t piece : {std::size_t{1} << 22, std::size_t{4096}, std::size_t{99991}}) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      reader.add(std::string_view(all).substr(at, piece));
      while (auto frame = *reader.next()) frames.push_back(*std::move(frame));
    }
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].payload == "{}");
    CHECK(frames[1].payload.size() == kMaxData);
    CHECK(frames[2].kind == FrameKind::kError);
    CHECK_FALSE(reader.in_the_middle());
  }
  FrameReader cut;
  cut.add(format_frame(FrameKind::kAnswer, "{}").substr(0, 6));
  CHECK_FALSE(*cut.next());
  CHECK(cut.in_the_middle());
}

TEST_CASE("what is no frame", "[messages]") {
  std::string long_data = "D";
  append_u32(long_data, kMaxData + 1);
  std::string long_answer = "A";
  append_u32(long_answer, kMaxDocument + 1);
  for (const std::string& bad : {std::string("X"), std::string(1, '\0'), long_data, long_answer}) {
    FrameReader reader;
    reader.add(bad);
    const auto frame = reader.next();
    REQUIRE_FALSE(frame);
    CHECK(frame.error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("jobs and answers are read back", "[messages]") {
  Job job;
  job.kind = Job::Kind::kProve;
  job.sources = {"l.example.org", "127.0.0.1@53", "anchor", true, "off", "p", "key", "url", "ca"};
  job.key = kKey;
  job.policies.module = update::ModulePolicy::kMinor;
  job.policies.every_version = true;
  job.head = "a\nb\n";
  job.where = "tcp:127.0.0.1:80";
  job.body = "{}";
  job.timeout_ms = 500;
  job.known = {{"v0.1.1", "1.26"}, {"v0.1.2", ""}};
  const auto back = parse_job(format_job(job));
  REQUIRE(back);
  CHECK(format_job(*back) == format_job(job));
  CHECK(back->sources == job.sources);
  CHECK(back->kind == Job::Kind::kProve);
  CHECK(back->key == kKey);
  CHECK(back->head == job.head);
  CHECK(back->known == job.known);
  CHECK(back->where == job.where);
  CHECK(back->timeout_ms == 500);
  for (const char* bad : {"", "{}", "[]", R"({"job":"x"})", R"({"job":3})"})
    CHECK_FALSE(parse_job(bad));

  Discovered found;
  found.versions = {{"v0.1.0", {from_unix(1700000000)}}, {"v0.2.0", {}}};
  found.toolchains = {"go1.26.8", "go1.25.9"};
  found.toolchain_times = {{"go1.26.8", from_unix(1700000000)}};
  found.retracted = {"v0.1.3"};
  found.go_lines = {{"v0.2.0", "1.26"}};
  found.deprecated = "use example.org/other";
  found.problem = "no route";
  const auto again = parse_discovered(format_discovered(found));
  REQUIRE(again);
  CHECK(format_discovered(*again) == format_discovered(found));
  CHECK(again->versions.at("v0.1.0").published == from_unix(1700000000));
  // what is no version, or no time, does not come through
  const auto odd = parse_discovered(
      R"({"versions":{"x":"","v1.0.0":3,"../v1":""},"cur":"1.26","prev":7,
          "toolchain_times":{"go1.26.8":"now"},"retracted":["x",3],
          "go_lines":{"v1.0.0":"newest","x":"1.26"}})");
  REQUIRE(odd);
  CHECK(odd->versions.size() == 1);
  CHECK_FALSE(odd->versions.at("v1.0.0").published);
  CHECK(odd->toolchains.cur.empty());
  CHECK(odd->toolchain_times.empty());
  CHECK(odd->retracted.empty());
  CHECK(odd->go_lines.empty());
  CHECK_FALSE(parse_discovered("[]"));

  const Error error = parse_error(format_error(untrusted_error("no", "yes")));
  CHECK(error.kind == ErrorKind::kUntrusted);
  CHECK(error.message == "no");
  CHECK(error.hint == "yes");
  CHECK(parse_error("{").kind == ErrorKind::kUntrusted);
  CHECK_FALSE(parse_proof("[]"));
  CHECK_FALSE(parse_proof(R"({"latest":"%"})"));
}

TEST_CASE("a proof is verified again", "[proof]") {
  TestLog log("builds.test", tlog::kBuildLog);
  build::Key other = kKey;
  other.version = "v0.0.9";
  log.append(record(other));
  const std::string head = log.head_note(1);
  log.append(record(kKey));
  const std::string key = log.key().format();
  const ProofFiles files = gather(log, head);
  const auto good = verify_proof(files, key, kKey, head);
  REQUIRE(good);
  CHECK(good->size() == 3);
  // another key, another build, another history, and each file left out or altered
  const auto refused = [&](const ProofFiles& f, const std::string& k, const build::Key& what,
                           const std::optional<std::string>& remembered) {
    const auto verdict = verify_proof(f, k, what, remembered);
    REQUIRE_FALSE(verdict);
    CHECK(verdict.error().kind == ErrorKind::kUntrusted);
  };
  refused(files, TestLog("other.test", tlog::kBuildLog).key().format(), kKey, head);
  refused(files, key, other, head);
  TestLog fork = log.fork_at(0);
  fork.append(record(kKey));
  refused(files, key, kKey, fork.head_note(1));
  for (const auto& [path, body] : files) {
    INFO(path);
    ProofFiles less = files;
    less.erase(path);
    refused(less, key, kKey, head);
    for (std::size_t i = 0; i < body.size(); i += 7) {
      ProofFiles altered = files;
      altered[path][i] = static_cast<char>(altered[path][i] ^ 4);
      const auto verdict = verify_proof(altered, key, kKey, head);
      // A byte that nothing depends on may be anything: a padding, a blank in base64.
      if (verdict) {
        CHECK(verdict->sum() == good->sum());
        CHECK(verdict->size() == good->size());
      }
    }
  }
}
