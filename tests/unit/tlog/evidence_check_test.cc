// Evidence checked by somebody who has nothing but its file and the log's key.
#include "tlog/evidence_check.h"

#include <catch2/catch.hpp>

#include "support/tlog/test_log.h"
#include "tlog/client.h"
#include "tlog/record_prover.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::TestLog;

namespace {

struct Histories {
  TestLog log;
  TestLog other;
  Histories() : other(start().fork_at(500)) {
    log = start();
    log.add_synthetic(100);
    other.add_synthetic(300, 7);
  }
  static TestLog start() {
    TestLog made;
    made.add_synthetic(600);
    return made;
  }
  SeenHead seen(const TestLog& of, std::uint64_t size) const {
    return {"a head", size, of.head_note(size)};
  }
  Json json(const Evidence& e) const {
    return evidence_json(e, log.key().format(), from_unix(1'700'000'000));
  }
};

Evidence fork(Histories& h, std::uint64_t older, std::uint64_t newer) {
  Client client(h.other, h.log.key(), kGoLog);
  const auto found = client.compare(h.log.head(older), h.other.head(newer)).value();
  REQUIRE(found.fork());
  return fork_evidence(h.seen(h.log, older), h.seen(h.other, newer), found);
}

}  // namespace

TEST_CASE("two signed heads of different histories are proven by the file alone") {
  Histories h;
  const std::uint64_t older = GENERATE(501, 512, 600, 700);
  const std::uint64_t newer = GENERATE(700, 768, 800);
  CAPTURE(older, newer);
  const Evidence e = fork(h, older, newer);
  const auto found = check_evidence(h.json(e), h.log.key());
  REQUIRE(found);
  CHECK(found->proof);
  CHECK(found->text.find("signed two histories") != std::string::npos);
  if (older == newer) return;
  SECTION("not without its tiles, nor with others") {
    Evidence less = e;
    less.tiles.pop_back();
    CHECK(check_evidence(h.json(less), h.log.key()).error().kind == ErrorKind::kUntrusted);
    less = e;
    for (TileBytes& tile : less.tiles) tile.bytes[5] = static_cast<char>(tile.bytes[5] ^ 1);
    CHECK(check_evidence(h.json(less), h.log.key()).error().kind == ErrorKind::kUntrusted);
  }
  SECTION("nor when both are of one history") {
    Client client(h.log, h.log.key(), kGoLog);
    HeadTree& tree = client.tree(h.log.head(700));
    if (older == 700) return;
    REQUIRE(tree.frontier_at(older));
    Evidence same = fork_evidence(h.seen(h.log, older), h.seen(h.log, 700),
                                  {HeadRelation::kFork, older, {}, {}, tree.evidence(older)});
    CHECK(check_evidence(h.json(same), h.log.key()).error().kind == ErrorKind::kUntrusted);
  }
  SECTION("nor about another key") {
    TestLog stranger("sum.stranger");
    Json document = h.json(e);
    CHECK(check_evidence(document, stranger.key()).error().kind == ErrorKind::kUsage);
    document["log_key"] = stranger.key().format();
    CHECK(check_evidence(document, stranger.key()).error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("trees of both sides below the older head are a proof, too") {
  Histories h;
  // The level-0 tile at 600 is withheld: what differs is shown at 512.
  HeadTree ours(h.log, h.log.head(600));
  HeadTree theirs(h.other, h.other.head(800));
  const Frontier a = ours.frontier_at(512).value();
  const Frontier b = theirs.frontier_at(512).value();
  Evidence e = fork_evidence(h.seen(h.log, 600), h.seen(h.other, 800),
                             {HeadRelation::kFork, 512, a.root(), b.root(), theirs.evidence(512)});
  CHECK(check_evidence(h.json(e), h.log.key()).error().kind == ErrorKind::kUntrusted);
  e.other_tiles = ours.evidence(512);
  CHECK(check_evidence(h.json(e), h.log.key())->proof);
}

TEST_CASE("two records for one version") {
  TestLog log;
  log.add("a.com/b", "v1.0.0", 1);
  log.add_synthetic(300);
  log.add("a.com/b", "v1.0.0", 2);
  RecordProver prover(log, log.head());
  Evidence e;
  e.kind = "duplicate";
  e.notes = {{"head", log.head_note(log.size())}};
  e.records.emplace_back(prover.prove(0), prover.prove(301));
  const auto json = [&] { return evidence_json(e, log.key().format(), from_unix(0)); };
  const auto found = check_evidence(json(), log.key());
  REQUIRE(found);
  CHECK(found->proof);
  CHECK(found->text.find("a.com/b@v1.0.0") != std::string::npos);
  SECTION("not one and the same") { e.records[0].second = e.records[0].first; }
  SECTION("not of two versions") { e.records[0].second = prover.prove(7); }
  SECTION("not without a proof") { e.records[0].second.proof.clear(); }
  SECTION("not with another text") { e.records[0].second.text[40] ^= 1; }
  SECTION("none") { e.records.clear(); }
  CHECK(check_evidence(json(), log.key()).error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("bad tiles are no proof, but must be bad") {
  TestLog log;
  log.add_synthetic(700);
  struct Case {
    const char* path;
    bool edge;
  };
  const Case c = GENERATE(Case{"tile/8/data/001", false}, Case{"tile/8/0/001", false},
                          Case{"tile/8/1/000.p/2", true});
  const std::string good = log.serve_path(c.path).value();
  const bool bad = GENERATE(false, true);
  std::string bytes = good;
  if (bad) bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  CAPTURE(c.path, bad);
  HeadTree tree(log, log.head());
  REQUIRE(tree.load({{0, 1, 256}}));
  Evidence e;
  e.kind = "bad-tile";
  e.notes = {{"head", log.head_note(700)}};
  e.bad_tiles = {{c.path, bytes}};
  e.tiles = tree.evidence(512 + 3);
  if (c.edge) {
    e.bad_tiles.push_back({"tile/8/0/002.p/188", log.serve_path("tile/8/0/002.p/188").value()});
    e.tiles.clear();
  }
  const auto found = check_evidence(evidence_json(e, log.key().format(), from_unix(0)), log.key());
  CHECK(found.has_value() == bad);
  if (!found) return;
  CHECK_FALSE(found->proof);
  CHECK(found->text.find("are not those of it") != std::string::npos);
}

TEST_CASE("files that are no evidence") {
  TestLog log;
  for (const char* text : {"{}", "[]", "3", "\"x\"", R"({"kind":3})", R"({"kind":"fork"})",
                           R"({"kind":"fork","notes":[]})", R"({"kind":"fork","notes":{}})"}) {
    CAPTURE(text);
    const auto found = check_evidence(parse_json(text).value(), log.key());
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::kUsage);
  }
  for (const char* text :
       {R"({"kind":"fork","notes":[1]})", R"({"kind":"fork","notes":[{"note":"x"}]})"}) {
    CAPTURE(text);
    CHECK(check_evidence(parse_json(text).value(), log.key()).error().kind ==
          ErrorKind::kUntrusted);
  }
}
