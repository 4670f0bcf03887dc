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
                          format_frame(FrameKind::kError, "") +
                          format_frame(FrameKind::kRefused, "no");
  for (const std::size_t piece : {std::size_t{1} << 22, std::size_t{4096}, std::size_t{99991}}) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      reader.add(std::string_view(all).substr(at, piece));
      while (auto frame = *reader.next()) frames.push_back(*std::move(frame));
    }
    REQUIRE(frames.size() == 4);
    CHECK(frames[0].payload == "{}");
    CHECK(frames[1].payload.size() == kMaxData);
    CHECK(frames[2].kind == FrameKind::kError);
    CHECK(frames[3].kind == FrameKind::kRefused);
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
  job.sources = {.dns = "l.example.org",
                 .resolver = "127.0.0.1@53",
                 .trust_anchor = "anchor",
                 .need_secure = true,
                 .proxy = "off",
                 .toolchain_proxy = "p",
                 .build_key = "key",
                 .build_url = "url",
                 .verifiers = {"b+1", "c+2=https://c"},
                 .servers = 2,
                 .own_domain = "own.example",
                 .vulnerabilities = "/srv/vulndb",
                 .ca_file = "ca"};
  job.key = kKey;
  job.policies.module = update::ModulePolicy::kMinor;
  job.policies.every_version = true;
  job.heads = {"a\nb\n", "", "c\n"};
  job.components = {{"stdlib", "v1.26.8"}, {"example.org/dep", "v1.0.0"}};
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
  CHECK(back->heads == job.heads);
  CHECK(back->components == job.components);
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
  found.own_version = "v0.2.0";
  const auto again = parse_discovered(format_discovered(found));
  REQUIRE(again);
  CHECK(format_discovered(*again) == format_discovered(found));
  CHECK(again->own_version == "v0.2.0");
  CHECK(again->versions.at("v0.1.0").published == from_unix(1700000000));
  // what is no version, or no time, does not come through
  const auto odd = parse_discovered(
      R"({"versions":{"x":"","v1.0.0":3,"../v1":""},"cur":"1.26","prev":7,
          "toolchain_times":{"go1.26.8":"now"},"own_version":"new","retracted":["x",3],
          "go_lines":{"v1.0.0":"newest","x":"1.26"}})");
  REQUIRE(odd);
  CHECK(odd->versions.size() == 1);
  CHECK_FALSE(odd->versions.at("v1.0.0").published);
  CHECK(odd->toolchains.cur.empty());
  CHECK(odd->toolchain_times.empty());
  CHECK(odd->retracted.empty());
  CHECK(odd->own_version.empty());
  CHECK(odd->go_lines.empty());
  CHECK_FALSE(parse_discovered("[]"));

  CHECK_FALSE(again->vulnerabilities);
  found.vulnerabilities = std::vector<mod::Finding>{
      {"GO-2026-1", {"CVE-2026-1"}, "it crashes", {"example.org/dep", "v1.0.0"}, "v1.0.1"},
      {"GO-2026-2", {}, "", {"stdlib", "v1.26.8"}, ""}};
  found.fixes = {{"v0.2.0", {"GO-2026-1"}}, {"go1.26.9", {"GO-2026-2"}}};
  const auto vulnerable = parse_discovered(format_discovered(found));
  REQUIRE(vulnerable);
  CHECK(vulnerable->vulnerabilities == found.vulnerabilities);
  CHECK(vulnerable->fixes == found.fixes);
  // However much a database says, the answer is one that is read.
  found.vulnerabilities->assign(600, {"GO-2026-1",
                                      std::vector<std::string>(100, "CVE-2026-1"),
                                      std::string(40'000, 's'),
                                      {"example.org/dep", "v1.0.0"},
                                      "v1.0." + std::string(10'000, '1')});
  const std::string much = format_discovered(found);
  CHECK(much.size() < kMaxDocument);
  const auto read = parse_discovered(much);
  REQUIRE(read);
  CHECK(read->vulnerabilities->size() == 500);
  CHECK(read->vulnerabilities->front().summary.size() == 300);
  CHECK(read->vulnerabilities->front().fixed.empty());
  const auto strange = parse_discovered(
      R"({"vulnerabilities":[{"id":"../x","version":"v1.0.0"},{"id":"GO-1","version":"new"},7,
          {"id":"GO-2","version":"v1.0.0","fixed":"soon"},
          {"id":"GO-3","version":"v1.0.0","aliases":["a/b",7],"summary":"a\nb"}],
          "fixes":{"newest":["GO-1"],"v1.0.0":["../x"],"go1.26.9":"GO-1"}})");
  REQUIRE(strange);
  REQUIRE(strange->vulnerabilities->size() == 1);
  CHECK(strange->vulnerabilities->front().id == "GO-3");
  CHECK(strange->vulnerabilities->front().summary == "a\\x0ab");
  CHECK(strange->vulnerabilities->front().aliases.empty());
  CHECK(strange->fixes.empty());

  const Error error = parse_error(format_error(untrusted_error("no", "yes")));
  CHECK(error.kind == ErrorKind::kUntrusted);
  CHECK(error.message == "no");
  CHECK(error.hint == "yes");
  CHECK(parse_error("{").kind == ErrorKind::kUntrusted);
  CHECK_FALSE(parse_proof("[]"));
  CHECK_FALSE(parse_proof(R"({"latest":"%"})"));
}

TEST_CASE("the build services of a supervisor, and how many must agree", "[messages]") {
  Sources sources;
  sources.build_key = "a.test+00000000+AA==";
  sources.build_url = "http://127.0.0.1:1";
  CHECK(services_of(sources).size() == 1);
  CHECK(wanted_of(sources) == 1);
  sources.verifiers = {"b.test+00000000+AA==", "c.test+00000000+AA===http://127.0.0.1:2"};
  const auto services = services_of(sources);
  REQUIRE(services.size() == 3);
  CHECK(services[0].source == "http://127.0.0.1:1");
  CHECK(services[1].source.empty());
  CHECK(services[2].source == "http://127.0.0.1:2");
  CHECK(wanted_of(sources) == 3);
  sources.servers = 2;
  CHECK(wanted_of(sources) == 2);
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
