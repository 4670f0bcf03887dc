// Heads, lookups and proofs over a log in memory, honest and otherwise.
#include "tlog/client.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "support/tlog/test_log.h"
#include "tlog/hash.h"
#include "tlog/lookup.h"
#include "tlog/tiles_ahead.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::TestLog;

namespace {

// 70,000 and 131,071 records: sizes at which golang.org/x/mod's client before v0.40.0 took forged
// level-0 tiles (CVE-2026-56865). Made once: hashing them is most of this file's time.
const TestLog& big_log() {
  static const TestLog* log = [] {
    auto* l = new TestLog;
    l->add_synthetic(131071);
    return l;
  }();
  return *log;
}

ErrorKind kind_of(const Error& e) { return e.kind; }

}  // namespace

TEST_CASE("lookups are proven, whatever the size of the log") {
  TestLog log;
  std::mt19937 random(4);
  for (std::uint64_t n = 1; n <= 700; ++n) {
    log.add_synthetic(1);
    if (n > 20 && n % 17 != 0 && n % 256 > 1 && n % 256 < 254) continue;
    Client client(log, log.key(), kGoLog);
    std::uint64_t i = random() % n;
    auto r = *parse_go_record(log.record(i));
    auto found = client.lookup(go_key(r.module, r.version));
    REQUIRE(found);
    CHECK(found->number() == i);
    CHECK(found->text() == log.record(i));
    CHECK(go_sums(found->record()).zip == r.zip_sum);
    CHECK(go_sums(found->record()).gomod == r.gomod_sum);
    CHECK(found->head().size() == n);
    CHECK(found->record().module() == r.module);
    CHECK(found->record().version() == r.version);
    CHECK(verify_inclusion(leaf_hash(found->text()), i, n, found->proof(), found->head().root()));
  }
}

TEST_CASE("heads of one history, in every order") {
  TestLog log;
  log.add_synthetic(1500);
  Client client(log, log.key(), kGoLog);
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::uint64_t a = i < 4 ? 0 : random() % 1500 + 1;
    std::uint64_t b = random() % 1500 + 1;
    auto cmp = client.compare(log.head(a), log.head(b));
    REQUIRE(cmp);
    CHECK(cmp->relation == (a == b ? HeadRelation::kSame : HeadRelation::kPrefix));
    CHECK(cmp->size == std::min(a, b));
    CHECK(cmp->claimed == cmp->recomputed);
    std::uint64_t m = std::min(a, b);
    auto own = client.compare(log.frontier(m), log.head(std::max(a, b)));
    REQUIRE(own);
    CHECK(own->relation == cmp->relation);
    if (m > 0) {
      HeadTree tree(log, log.head(std::max(a, b)));
      auto proof = consistency_proof(m, std::max(a, b), tree);
      REQUIRE(proof);
      CHECK(verify_consistency(m, log.root(m), std::max(a, b), log.root(std::max(a, b)), *proof));
    }
  }
  CHECK(kind_of(client.compare(log.frontier(9), log.head(8)).error()) == ErrorKind::kUsage);
}

TEST_CASE("a fork is found as a fork, with evidence that stands alone") {
  struct {
    std::uint64_t fork, old_size, new_size;
  } cases[] = {{5, 70000, 70100},    {69000, 70000, 70100}, {69999, 70000, 70001},
               {0, 256, 512},        {255, 256, 257},       {255, 256, 65536 + 1},
               {300, 301, 70100},    {65535, 65536, 70100}, {5, 131071, 131072},
               {69900, 69950, 69999}};
  TestLog other;
  other.add_synthetic(131072, 1);
  for (auto& c : cases) {
    INFO(c.fork << " " << c.old_size << " " << c.new_size);
    TestLog fork = big_log().fork_at(c.fork);
    fork.append_from(other, c.new_size);
    Client client(fork, fork.key(), kGoLog);
    // The tiles of the old head may be known already: they must not be mixed in.
    Checkpoint old_head = big_log().head(c.old_size);
    Checkpoint new_head = fork.head();
    for (int order = 0; order < 2; ++order) {
      auto cmp =
          order == 0 ? client.compare(old_head, new_head) : client.compare(new_head, old_head);
      REQUIRE(cmp);
      CHECK(cmp->relation == HeadRelation::kFork);
      CHECK(cmp->size == c.old_size);
      CHECK(cmp->claimed == big_log().root(c.old_size));
      CHECK(cmp->recomputed == fork.root(c.old_size));
      // Somebody with nothing but the evidence comes to the same result.
      TestLog silent;
      for (const TileBytes& t : cmp->tiles) silent.replace(t.path, t.bytes);
      Client third_party(silent, fork.key(), kGoLog);
      auto again = third_party.compare(old_head, new_head);
      REQUIRE(again);
      CHECK(again->relation == HeadRelation::kFork);
      CHECK(again->recomputed == cmp->recomputed);
    }
  }
}

TEST_CASE("same size, another root") {
  TestLog log;
  log.add_synthetic(10);
  TestLog fork = log.fork_at(3);
  fork.add_synthetic(7, 1);
  Client client(log, log.key(), kGoLog);
  auto cmp = client.compare(log.head(), fork.head());
  REQUIRE(cmp);
  CHECK(cmp->relation == HeadRelation::kFork);
  CHECK(client.compare(log.frontier(10), fork.head())->relation == HeadRelation::kFork);
  CHECK(log.fetched.empty());
}

TEST_CASE("every hash tile is checked: forged ones are refused at every level and size") {
  for (std::uint64_t size : {3UL, 255UL, 256UL, 70000UL, 131071UL}) {
    TestLog log = big_log();
    log.serve(size);
    std::mt19937 random(static_cast<unsigned>(size));
    for (int round = 0; round < 6; ++round) {
      std::uint64_t i = round == 0 ? size - 1 : random() % size;
      auto r = *parse_go_record(log.record(i));
      Client honest(log, log.key(), kGoLog);
      log.fetched.clear();
      REQUIRE(honest.lookup(go_key(r.module, r.version)));
      std::vector<std::string> used = log.fetched;
      for (const std::string& path : used) {
        if (!path.starts_with("tile/")) continue;
        std::string good = log.serve_path(path).value();
        for (std::size_t at : {std::size_t{0}, good.size() - 1, random() % good.size()}) {
          std::string bad = good;
          bad[at] = static_cast<char>(bad[at] ^ 1);
          log.replace(path, bad);
          Client client(log, log.key(), kGoLog);
          auto found = client.lookup(go_key(r.module, r.version));
          INFO(size << " " << i << " " << path << " " << at);
          REQUIRE_FALSE(found);
          CHECK(found.error().kind == ErrorKind::kUntrusted);
          CHECK_THAT(found.error().message, Catch::Contains(path.substr(0, 9)));
          log.heal();
        }
      }
    }
  }
}

TEST_CASE("a forged record with a forged level-0 tile") {
  // The attack of CVE-2026-56865: record and level-0 tile agree with each other, not with the log.
  for (std::uint64_t size : {70000UL, 131071UL}) {
    for (std::uint64_t i : {5UL, 65536UL, 65535UL, 69000UL, size - 1, size - 300}) {
      TestLog log = big_log();
      log.serve(size);
      auto r = *parse_go_record(log.record(i));
      std::string evil = TestLog::record_text(r.module, r.version, 666);
      log.replace(kGoLog.lookup_path(go_key(r.module, r.version)).value(),
                  format_lookup(i, evil, log.head_note(size)));
      TileId tile{0, i / 256, tile_width(0, i / 256, size)};
      std::string bytes = log.serve_path(format_tile_path(tile)).value();
      bytes.replace((i % 256) * 32, 32, as_bytes(leaf_hash(evil)));
      log.replace(format_tile_path(tile), bytes);
      Client client(log, log.key(), kGoLog);
      auto found = client.lookup(go_key(r.module, r.version));
      INFO(size << " " << i);
      REQUIRE_FALSE(found);
      CHECK(found.error().kind == ErrorKind::kUntrusted);
      CHECK_THAT(found.error().message, Catch::Contains(format_tile_path(tile)));
    }
  }
}

TEST_CASE("lookups that must be refused") {
  TestLog log;
  log.add_synthetic(600);
  std::uint64_t yours = log.add("example.com/yours", "v1.0.0");
  std::uint64_t twice = log.append(TestLog::record_text("example.com/twice", "v1.0.0", 1) +
                                   TestLog::record_text("example.com/twice", "v1.0.0", 2));
  std::uint64_t zip_only = log.append(
      "example.com/zip v1.0.0 h1:fxVm/GzAzEWqLHuvctI91KS9hhNmmWOo"
      "Wu0XTYJS7CA=\n");
  log.add_synthetic(100);
  std::string path = kGoLog.lookup_path("example.com/yours@v1.0.0").value();
  std::string note = log.head_note(log.size());
  std::string right = log.record(yours);
  TestLog stranger("another.test");
  stranger.add_synthetic(703);

  struct {
    std::string what, module, reply, message;
  } cases[] = {
      {"another record", "yours", format_lookup(7, log.record(7), note), "is not about"},
      {"another number", "yours", format_lookup(yours - 1, right, note), "does not hash to entry"},
      {"a number beyond the head", "yours", format_lookup(703, right, note), "not below"},
      {"a huge number", "yours", format_lookup(UINT64_MAX, right, note), "not below"},
      {"a forged record", "yours",
       format_lookup(yours, TestLog::record_text("example.com/yours", "v1.0.0", 9), note),
       "does not hash to entry"},
      {"an older head that does not have it", "yours",
       format_lookup(yours, right, log.head_note(300)), "not below"},
      {"another log's head", "yours", format_lookup(yours, right, stranger.head_note(703)),
       "no signature by"},
      {"no head", "yours", format_lookup(yours, right, ""), "signed note"},
      {"cut", "yours", format_lookup(yours, right, note.substr(0, note.size() - 3)), "signed note"},
      // CVE-2026-56864: lines outside the record must not count.
      {"lines behind the head", "zip",
       format_lookup(zip_only, log.record(zip_only), note) +
           TestLog::record_text("example.com/zip", "v1.0.0"),
       "signed note"},
      {"lines in the note's text", "zip",
       format_lookup(zip_only, log.record(zip_only),
                     log.signer().sign_note(format_tree_text(kGoLog.origin, 703, log.root(703)) +
                                            TestLog::record_text("example.com/zip", "v1.0.0"))),
       "is not about"},
      {"lines before the record", "zip",
       std::to_string(zip_only) + "\n" + TestLog::record_text("example.com/zip", "v1.0.0") +
           log.record(zip_only) + "\n" + note,
       "does not hash to entry"},
      // CVE-2026-42501: a record without the lines asked for is no answer.
      {"no go.mod line", "zip", format_lookup(zip_only, log.record(zip_only), note),
       "is not about"},
      {"two sums", "twice", format_lookup(twice, log.record(twice), note), "two lines"},
  };
  for (auto& c : cases) {
    INFO(c.what);
    log.heal();
    log.replace(kGoLog.lookup_path("example.com/" + c.module + "@v1.0.0").value(), c.reply);
    Client client(log, log.key(), kGoLog);
    auto found = client.lookup("example.com/" + c.module + "@v1.0.0");
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::kUntrusted);
    CHECK_THAT(found.error().message, Catch::Contains(c.message));
  }
  log.heal();
  Client client(log, log.key(), kGoLog);
  CHECK(client.lookup("example.com/yours@v1.0.0"));
  CHECK(client.lookup("example.com/other@v1.0.0").error().kind == ErrorKind::kNotFound);
  CHECK(client.lookup("nohost@v1.0.0").error().kind == ErrorKind::kUsage);
  log.fail(path, unavailable_error("connection refused"));
  auto down = client.lookup("example.com/yours@v1.0.0");
  CHECK(down.error().kind == ErrorKind::kUnavailable);
  CHECK_THAT(down.error().message, Catch::Contains(path));
}

TEST_CASE("many lookups at once: one bad one does not spoil the others") {
  TestLog log;
  log.add_synthetic(1000);
  const std::vector<std::string> wanted = {"example.com/m1@v0.0.0", "Bad Path@v0.0.0",
                                           "example.com/none@v0.0.0", "example.com/m2@v0.0.0"};
  Client client(log, log.key(), kGoLog);
  auto found = client.lookup_all(wanted);
  REQUIRE(found.size() == 4);
  CHECK(found[0]->number() == 1);
  CHECK(found[1].error().kind == ErrorKind::kUsage);
  CHECK(found[2].error().kind == ErrorKind::kNotFound);
  CHECK(found[3]->number() == 2);
  CHECK(log.fetched_with_prefix("lookup/") == 3);
}

TEST_CASE("lookups under heads of their own are proven and compared in a few round trips") {
  for (const bool partial_gone : {false, true}) {
    CAPTURE(partial_gone);
    TestLog log = big_log();
    std::vector<std::string> wanted;
    std::vector<Checkpoint> heads;
    for (std::uint64_t i = 0; i < 100; ++i) {
      const std::uint64_t number = i * 1290;
      const std::uint64_t size = 129000 + i * 9;
      const auto r = *parse_go_record(log.record(number));
      wanted.push_back(go_key(r.module, r.version));
      heads.push_back(log.head(size));
      log.replace(*kGoLog.lookup_path(wanted.back()),
                  format_lookup(number, log.record(number), log.head_note(size)));
      if (partial_gone && size % kTileWidth != 0) {
        log.fail(
            format_tile_path({0, size / kTileWidth, static_cast<std::uint32_t>(size % kTileWidth)}),
            not_found_error("gone"));
      }
    }
    Client client(log, log.key(), kGoLog);
    const auto found = client.lookup_all(wanted);
    for (const auto& f : found) CHECK(f);
    CHECK(log.round_trips <= (partial_gone ? 3 : 2));
    const std::size_t before = log.round_trips;
    client.prepare_comparisons(heads, heads.back());
    for (const Checkpoint& head : heads) {
      CHECK(client.compare(head, heads.back())->relation != HeadRelation::kFork);
    }
    CHECK(log.round_trips - before <= 2);
  }
}

TEST_CASE("what is fetched ahead is what the source has, and nothing more") {
  TestLog log;
  log.add_synthetic(1000);
  TilesAhead ahead(log);
  const FetchRequest wanted[] = {{"tile/8/0/000", 8192}, {"none", 9}};
  ahead.plan([&](TileSource& source) {
    CHECK_FALSE(source.fetch(wanted)[0]);
    const FetchRequest more[] = {{"tile/8/0/002", 8192}};
    CHECK_FALSE(source.fetch(more)[0]);  // a second round is not planned
  });
  CHECK(log.round_trips == 0);
  ahead.fetch_planned();
  CHECK(log.fetched == std::vector<std::string>{"none", "tile/8/0/000"});
  CHECK(ahead.fetch(wanted)[0].value() == log.serve_path("tile/8/0/000").value());
  CHECK(ahead.fetch(wanted)[1].error().kind == ErrorKind::kNotFound);
  CHECK(log.round_trips == 1);
  ahead.forget();
  CHECK(ahead.fetch(wanted)[0]);
  CHECK(log.round_trips == 2);
}

TEST_CASE("a partial tile that is gone is taken from the full one") {
  TestLog log = big_log();
  Client client(log, log.key(), kGoLog);
  Checkpoint old_head = log.head(70000);
  log.hide_partial_tiles(true);
  // Full tiles exist for the old head's right edge, but not for the newest one's.
  auto tree = HeadTree(log, old_head);
  for (std::uint64_t i : {0UL, 65536UL, 69999UL}) {
    auto h = tree.entry(0, i);
    // The tile at level 1 and 2 is never full in this log: then it cannot work.
    REQUIRE_FALSE(h);
    CHECK(h.error().kind == ErrorKind::kUnavailable);
  }
  log.hide_partial_tiles(false);
  log.fail("tile/8/0/273.p/112", not_found_error("gone"));
  HeadTree again(log, old_head);
  CHECK(again.entry(0, 69999).value() == leaf_hash(log.record(69999)));
  CHECK(std::count(log.fetched.begin(), log.fetched.end(), "tile/8/0/273") > 0);
  // Partial tiles of the wrong length count as gone; full ones of the wrong length do not pass.
  for (std::size_t bytes : {0UL, 32UL, 111 * 32UL, 113 * 32UL, 8192UL}) {
    log.heal();
    log.replace("tile/8/0/273.p/112", std::string(bytes, 'x'));
    HeadTree other(log, old_head);
    CHECK(other.entry(0, 69999));
    log.replace("tile/8/0/273", std::string(8191, 'x'));
    HeadTree broken(log, old_head);
    CHECK(broken.entry(0, 69999).error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("what the tree does not have") {
  TestLog log;
  log.add_synthetic(300);
  HeadTree tree(log, log.head(290));
  CHECK(tree.entry(0, 289));
  for (auto [level, index] :
       {std::pair<int, std::uint64_t>{0, 290}, {0, 600}, {1, 1}, {2, 0}, {7, 0}}) {
    CHECK(tree.entry(level, index).error().kind == ErrorKind::kUsage);
  }
  CHECK(tree.frontier_at(291).error().kind == ErrorKind::kUsage);
  CHECK(tree.prove_inclusion(290).error().kind == ErrorKind::kUsage);
  TestLog empty;
  HeadTree none(empty, empty.head(0));
  CHECK(none.frontier_at(0)->size() == 0);
  CHECK_FALSE(none.entry(0, 0));
}

TEST_CASE("an error names the file that it is about once") {
  struct Failing : tlog::TileSource {
    explicit Failing(std::string m) : message(std::move(m)) {}
    std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
      return {requests.size(), Result<std::string>(not_found_error(message))};
    }
    std::string describe() const override { return "a test"; }
    std::string message;
  };
  const std::string path = "lookup/a.com/b@v1.0.0";
  for (const std::string& message :
       {std::string("no such file"), "https://log.test/" + path + ": status 404"}) {
    Failing source(message);
    tlog::Client client(source, TestLog().key(), tlog::kGoLog);
    const auto found = client.lookup("a.com/b@v1.0.0");
    REQUIRE_FALSE(found);
    CHECK(found.error().message ==
          (message == "no such file" ? path + " of a test: no such file" : message));
  }
}

TEST_CASE("heads of extreme sizes ask for what they need and fail cleanly") {
  TestLog log;
  log.add_synthetic(300);
  for (std::uint64_t size : {kMaxTreeSize, kMaxTreeSize - 1, kMaxTreeSize / 2 + 1,
                             std::uint64_t{1} << 40U, std::uint64_t{1} << 28U}) {
    HeadTree tree(log, log.sign(size, sha256("root")));
    for (std::uint64_t at : {std::uint64_t{0}, size / 3, size - 1}) {
      auto proof = tree.prove_inclusion(at);
      REQUIRE_FALSE(proof);
      CHECK(proof.error().kind == ErrorKind::kUnavailable);
      CHECK_FALSE(tree.frontier_at(at + 1));
    }
    CHECK_FALSE(tree.entry(8, 0));
    CHECK_FALSE(tree.entry(100, 0));
  }
}

TEST_CASE("latest") {
  TestLog log;
  log.add_synthetic(20);
  Client client(log, log.key(), kGoLog);
  CHECK(client.fetch_latest()->size() == 20);
  std::string forged = log.head_note(20);
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  log.replace("latest", forged);
  CHECK(client.fetch_latest().error().kind == ErrorKind::kUntrusted);
  // What is no signed note at all is somebody else's page, or half of one.
  log.replace("latest", log.head_note(20) + "x");
  const Error no_note = client.fetch_latest().error();
  CHECK(no_note.kind == ErrorKind::kUnavailable);
  // Who reads this wants to look for himself.
  CHECK_THAT(no_note.message, Catch::StartsWith("latest of " + log.describe() + ": "));
  log.fail("latest", unavailable_error("down"));
  CHECK(client.fetch_latest().error().kind == ErrorKind::kUnavailable);
  log.heal();
  log.replace("latest", std::string(kMaxNoteBytes + 1, 'x'));
  CHECK(client.fetch_latest().error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("proofs cost few round trips, and none when all is cached") {
  TestLog log = big_log();
  Client client(log, log.key(), kGoLog);
  REQUIRE(client.compare(log.head(70000), log.head(131071)));
  CHECK(log.round_trips == 1);
  REQUIRE(client.lookup("example.com/m7@v0.3.0"));
  CHECK(log.round_trips == 3);
  REQUIRE(client.lookup("example.com/m7@v0.3.0"));
  CHECK(log.round_trips == 4);
}
