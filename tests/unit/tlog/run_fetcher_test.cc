// The follower over logs in memory: every size and start, every framing, every kind of lie.
#include "tlog/run_fetcher.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "support/tlog/test_log.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::TestLog;

namespace {

struct Followed {
  std::vector<std::string> texts;
  std::vector<Hash> level1;
  std::vector<Hash> tail;
  Frontier frontier;
};

Result<Followed> follow(TestLog& log, const Checkpoint& head, const Frontier& own,
                        std::size_t max_tiles = 4) {
  Followed out{{}, {}, {}, own};
  RunFetcher f(log, head, own);
  GW_TRY(auto cmp, f.start());
  if (cmp.relation == HeadRelation::kFork) return untrusted_error("fork");
  while (out.frontier.size() < head.size()) {
    GW_TRY(auto run, f.fetch(out.frontier.size(), max_tiles));
    GW_TRY(auto batch, verify_run(std::move(run)));
    for (std::size_t i = 0; i < batch.size(); ++i) out.texts.emplace_back(batch[i].text());
    out.level1.insert(out.level1.end(), batch.level1().begin(), batch.level1().end());
    out.tail.assign(batch.tail().begin(), batch.tail().end());
    out.frontier = batch.frontier();
  }
  return out;
}

void check_followed(const TestLog& log, const Checkpoint& head, std::uint64_t from,
                    const Followed& got) {
  REQUIRE(got.texts.size() == head.size() - from);
  std::uint64_t same = from;
  while (same < head.size() && got.texts[same - from] == log.record(same)) ++same;
  REQUIRE(same == head.size());
  CHECK(got.frontier == log.frontier(head.size()));
  REQUIRE(got.level1.size() == head.size() / 256 - from / 256);
  Frontier by_entries = log.frontier(from).truncated_to(8);
  for (const Hash& h : got.level1) by_entries.append_subtree(8, h);
  REQUIRE(got.tail.size() == head.size() % 256);
  for (const Hash& leaf : got.tail) by_entries.append(leaf);
  CHECK(by_entries == got.frontier);
}

const TestLog& long_log() {
  static const TestLog* log = [] {
    auto* l = new TestLog;
    l->add_synthetic(70100);
    return l;
  }();
  return *log;
}

// A log that forks from big_log() at `at` and ends at `size`.
TestLog fork_of(std::uint64_t at, std::uint64_t size) {
  static const TestLog other = [] {
    TestLog made;
    made.add_synthetic(70100, 1);
    return made;
  }();
  TestLog fork = long_log().fork_at(at);
  fork.append_from(other, size);
  return fork;
}

}  // namespace

TEST_CASE("from any position to any head, in each framing") {
  std::mt19937 random(7);
  for (auto style :
       {DataTileStyle::kSeparated, DataTileStyle::kTerminated, DataTileStyle::kNumbered}) {
    TestLog log = long_log().fork_at(20000);
    log.set_style(style);
    for (int i = 0; i < 60; ++i) {
      std::uint64_t to = i < 20 ? random() % 1500 + 1 : random() % 20000 + 1;
      std::uint64_t from = i % 5 == 0 ? 0 : random() % to;
      if (i % 7 == 0)
        to = std::max<std::uint64_t>(256, to / 256 * 256), from = std::min(from, to - 1);
      INFO(from << " -> " << to);
      log.serve(to);
      auto got = follow(log, log.head(to), log.frontier(from), random() % 40 + 1);
      REQUIRE(got);
      check_followed(log, log.head(to), from, *got);
    }
    CHECK(log.fetched_with_prefix("tile/8/0/") == 0);
  }
}

TEST_CASE("nothing to follow") {
  TestLog log;
  log.add_synthetic(10);
  RunFetcher same(log, log.head(10), log.frontier(10));
  CHECK(same.start()->relation == HeadRelation::kSame);
  CHECK(same.fetch(10, 1).error().kind == ErrorKind::kUsage);
  RunFetcher older(log, log.head(5), log.frontier(10));
  CHECK(older.start().error().kind == ErrorKind::kUsage);
  RunFetcher unstarted(log, log.head(10), log.frontier(5));
  CHECK(unstarted.fetch(5, 1).error().kind == ErrorKind::kUsage);
  CHECK(log.fetched.empty());
}

TEST_CASE("only positions that a batch can start at") {
  TestLog log;
  log.add_synthetic(1000);
  RunFetcher f(log, log.head(), log.frontier(300));
  REQUIRE(f.start());
  for (std::uint64_t bad : {0UL, 256UL, 299UL, 301UL, 600UL, 1000UL, 1024UL}) {
    CHECK(f.fetch(bad, 1).error().kind == ErrorKind::kUsage);
  }
  for (std::uint64_t good : {300UL, 512UL, 768UL, 300UL, 512UL}) {
    auto run = f.fetch(good, 1);
    REQUIRE(run);
    CHECK(run->first() == good);
    CHECK(verify_run(*std::move(run))->frontier() ==
          log.frontier(std::min<std::uint64_t>(1000, (good / 256 + 1) * 256)));
  }
}

TEST_CASE("a small step needs no hash tile, a large one no level 0") {
  TestLog log = long_log();
  log.fetched.clear();
  auto got = follow(log, log.head(70100), log.frontier(69000), 100);
  REQUIRE(got);
  CHECK(log.fetched_with_prefix("tile/8/data/") == log.fetched.size());
  CHECK(log.fetched.size() == 5);  // tiles 269 to 273
  log.fetched.clear();
  got = follow(log, log.head(70100), log.frontier(300), 300);
  REQUIRE(got);
  check_followed(log, log.head(70100), 300, *got);
  CHECK(log.fetched_with_prefix("tile/8/0/") == 0);
  CHECK(log.fetched_with_prefix("tile/8/data/") == 273);
  CHECK(log.fetched.size() == 273 + 3);  // 1/000, 1/001.p/17, 2/000.p/1
}

TEST_CASE("starting in the middle of a log") {
  TestLog log = long_log();
  HeadTree tree(log, log.head(70100));
  auto own = tree.frontier_at(65536);
  REQUIRE(own);
  auto got = follow(log, log.head(70100), *own, 100);
  REQUIRE(got);
  check_followed(log, log.head(70100), 65536, *got);
}

TEST_CASE("forks are reported as forks, with evidence, wherever they are") {
  struct {
    std::uint64_t fork, old_size, new_size;
  } cases[] = {{5, 70000, 70100},     {69000, 70000, 70100}, {69999, 70000, 70100},
               {69887, 70000, 70100}, {69888, 70000, 70100}, {5, 300, 70100},
               {299, 300, 70100},     {255, 256, 70100},     {0, 1, 2},
               {0, 1, 300},           {65535, 65536, 65537}, {5, 700, 20000},
               {5, 700, 20224}};
  for (auto& c : cases) {
    INFO(c.fork << " " << c.old_size << " " << c.new_size);
    TestLog fork = fork_of(c.fork, c.new_size);
    RunFetcher f(fork, fork.head(), long_log().frontier(c.old_size));
    auto cmp = f.start();
    REQUIRE(cmp);
    CHECK(cmp->relation == HeadRelation::kFork);
    CHECK(cmp->size == c.old_size);
    CHECK(cmp->claimed == long_log().root(c.old_size));
    CHECK(cmp->recomputed == fork.root(c.old_size));
    TestLog silent;
    for (const TileBytes& t : cmp->tiles) silent.replace(t.path, t.bytes);
    HeadTree third_party(silent, fork.head());
    CHECK(third_party.frontier_at(c.old_size)->root() == cmp->recomputed);
    CHECK_FALSE(f.fetch(c.old_size, 1));
  }
}

TEST_CASE("a forked log cannot hide behind bad or missing tiles") {
  for (std::uint64_t at : {5UL, 69000UL, 69999UL}) {
    TestLog fork = fork_of(at, 70100);
    auto start = [&] {
      RunFetcher f(fork, fork.head(), long_log().frontier(70000));
      return f.start();
    };
    // Data tiles that fit neither history.
    fork.replace("tile/8/data/273.p/212", "rubbish\n");
    auto cmp = start();
    REQUIRE(cmp);
    CHECK(cmp->relation == HeadRelation::kFork);
    fork.heal();
    fork.fail("tile/8/data/273.p/212", unavailable_error("connection reset"));
    fork.fail("tile/8/data/273", unavailable_error("connection reset"));
    cmp = start();
    REQUIRE(cmp);
    CHECK(cmp->relation == HeadRelation::kFork);
    fork.heal();
    fork.replace("tile/8/data/273.p/212", std::string(kMaxDataTileBytes + 1, 'x'));
    cmp = start();
    REQUIRE(cmp);
    CHECK(cmp->relation == HeadRelation::kFork);
    fork.heal();
    // No level 0: the records of the tail are the evidence.
    fork.on_fetch = [](const std::string& path) -> std::optional<Result<std::string>> {
      if (path.starts_with("tile/8/0/")) return not_found_error("gone");
      return std::nullopt;
    };
    cmp = start();
    REQUIRE(cmp);
    CHECK(cmp->relation == HeadRelation::kFork);
    CHECK(cmp->claimed != cmp->recomputed);
    CHECK_FALSE(cmp->tiles.empty());
  }
}

TEST_CASE("forged, truncated and oversized tiles are named and nothing of them gets out") {
  // Each of a tile's places is tried where few records have to be followed; with the most of them
  // those tiles that only the whole log has. Heads that are 32 tiles away or more are proven by
  // tiles of hashes.
  struct {
    std::uint64_t from, to;
    std::size_t most;  // tiles that are tried, of those used
  } spans[] = {{0, 70100, 0},      {0, 9000, 12},      {61000, 70100, 12},
               {69000, 70100, 12}, {69888, 70100, 12}, {11900, 20224, 12}};
  std::mt19937 random(8);
  for (auto& span : spans) {
    TestLog log = long_log();
    log.serve(span.to);
    log.fetched.clear();
    REQUIRE(follow(log, log.head(span.to), log.frontier(span.from), 500));
    std::vector<std::string> used = log.fetched;
    std::shuffle(used.begin(), used.end(), random);
    if (used.size() > span.most) used.resize(span.most);
    for (const char* always :
         {"tile/8/1/000", "tile/8/2/000.p/1", "tile/8/1/001.p/17", "tile/8/data/273.p/212"}) {
      if (span.most == 0) used.emplace_back(always);
    }
    for (const std::string& path : used) {
      std::string good = log.serve_path(path).value();
      std::string flipped = good;
      flipped[random() % good.size()] ^= 1;
      std::string without_record =
          good.substr(good.find("\n\n") == std::string::npos ? 32 : good.find("\n\n") + 2);
      std::vector<std::string> bad = {
          flipped,    good.substr(0, good.size() - 1),        "", good + good, without_record,
          good + "x", std::string(kMaxDataTileBytes + 1, 'x')};
      for (std::size_t i = 0; i < bad.size(); ++i) {
        INFO(span.from << " " << path << " " << i);
        log.replace(path, bad[i]);
        auto got = follow(log, log.head(span.to), log.frontier(span.from), 500);
        // A partial tile of the wrong length is replaced by the full one, which is right.
        if (!got) {
          CHECK(got.error().kind == ErrorKind::kUntrusted);
          CHECK_THAT(got.error().message, Catch::Contains("tile/8/"));
          CHECK_THAT(got.error().message, !Catch::Contains("fork"));
        } else {
          CHECK(path.find(".p/") != std::string::npos);
          CHECK(i != 0);
          check_followed(log, log.head(span.to), span.from, *got);
        }
        log.heal();
      }
    }
    CHECK(follow(log, log.head(span.to), log.frontier(span.from), 500));
  }
}

TEST_CASE("what is bad comes out as tiles with their bytes") {
  TestLog log = long_log();
  struct Case {
    std::string path;
    std::size_t bad, proof;  // how many tiles at least
    bool at_start;
  };
  const Case c =
      GENERATE(Case{"tile/8/2/000.p/1", 3, 0, true}, Case{"tile/8/1/001.p/17", 3, 0, true},
               Case{"tile/8/1/000", 1, 2, false}, Case{"tile/8/data/273.p/212", 1, 2, true});
  CAPTURE(c.path);
  std::string bytes = log.serve_path(c.path).value();
  const bool truncate = GENERATE(false, true);
  CAPTURE(truncate);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  if (truncate) bytes.resize(bytes.size() / 2);
  log.replace(c.path, bytes);
  log.fail("tile/8/2/000", not_found_error("no such tile"));
  log.fail("tile/8/1/001", not_found_error("no such tile"));
  RunFetcher f(log, log.head(70100), log.frontier(1000));
  auto started = f.start();
  const Error e = started ? f.fetch(1000, 4).error() : started.error();
  CHECK(e.kind == ErrorKind::kUntrusted);
  const BadTiles* bad = find_bad_tiles(e);
  REQUIRE(bad != nullptr);
  CHECK(bad->head.note() == log.head_note(70100));
  CHECK(bad->tiles.size() >= (truncate ? 1 : c.bad));
  const auto hit = std::find_if(bad->tiles.begin(), bad->tiles.end(),
                                [&](const TileBytes& t) { return t.path == c.path; });
  REQUIRE(hit != bad->tiles.end());
  CHECK(hit->bytes == bytes);
  if (!truncate) CHECK(bad->proof.size() >= c.proof);
  for (const TileBytes& t : bad->proof) CHECK(t.bytes == log.serve_path(t.path).value());
  log.heal();
  RunFetcher again(log, log.head(70100), log.frontier(1000));
  REQUIRE(again.start());
  REQUIRE(again.fetch(1000, 4));
}

TEST_CASE("a run that was bad is fetched again") {
  TestLog log = long_log();
  for (std::uint64_t from : {60000UL, 69000UL}) {
    RunFetcher f(log, log.head(70100), log.frontier(from));
    std::string path = format_tile_path({kDataLevel, from / 256 + 1, 256});
    log.replace(path, "rubbish\n");
    REQUIRE(f.start());
    auto run = f.fetch(from, 3);
    REQUIRE(run);
    auto batch = verify_run(*std::move(run));
    REQUIRE_FALSE(batch);
    CHECK(batch.error().kind == ErrorKind::kUntrusted);
    CHECK_THAT(batch.error().message, Catch::Contains(path));
    const Error e = f.tree().with_proof(batch.error());
    const BadTiles* bad = find_bad_tiles(e);
    REQUIRE(bad != nullptr);
    REQUIRE(bad->tiles.size() == 1);
    CHECK(bad->tiles[0].path == path);
    CHECK(bad->tiles[0].bytes == "rubbish\n");
    CHECK_FALSE(bad->proof.empty());
    log.heal();
    run = f.fetch(from, 3);
    REQUIRE(run);
    batch = verify_run(*std::move(run));
    REQUIRE(batch);
    CHECK(batch->first() == from);
  }
}

TEST_CASE("errors of the source come through with their kind and stop nothing for good") {
  TestLog log = long_log();
  for (const char* path : {"tile/8/1/000", "tile/8/2/000.p/1", "tile/8/data/005"}) {
    log.fail(path, unavailable_error("connection reset"));
    log.fail("tile/8/2/000", unavailable_error("connection reset"));
    auto got = follow(log, log.head(70100), Frontier(), 100);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == ErrorKind::kUnavailable);
    CHECK_THAT(got.error().message, Catch::Contains(path));
    log.heal();
    CHECK(follow(log, log.head(70100), Frontier(), 100));
  }
}

TEST_CASE("a partial data tile that is gone is taken from the full one") {
  TestLog log = long_log();
  for (auto style : {DataTileStyle::kSeparated, DataTileStyle::kNumbered}) {
    log.set_style(style);
    for (std::uint64_t from : {0UL, 64000UL, 65000UL}) {
      log.fail("tile/8/data/255.p/1", not_found_error("gone"));
      Checkpoint head = log.head(65281);
      log.fail("tile/8/data/255.p/1", not_found_error("gone"));
      auto got = follow(log, head, log.frontier(from), 300);
      REQUIRE(got);
      check_followed(log, head, from, *got);
      CHECK(std::count(log.fetched.begin(), log.fetched.end(), "tile/8/data/255") > 0);
      log.heal();
    }
  }
}

TEST_CASE("irregular records are kept verbatim and counted") {
  TestLog log;
  std::vector<std::string> odd = {"hello\n",     "a\nb\nc\n",      "\xff\n",
                                  "tab\there\n", "x y z\nx y z\n", "v v1 h1:\nv v1/go.mod h1:\n",
                                  "512\n",       "5\nx\n"};
  log.add_synthetic(250);
  for (const std::string& text : odd) log.append(text);
  log.add_synthetic(254);
  for (const std::string& text : odd) log.append(text);
  for (auto style :
       {DataTileStyle::kSeparated, DataTileStyle::kTerminated, DataTileStyle::kNumbered}) {
    log.set_style(style);
    RunFetcher f(log, log.head(), Frontier());
    REQUIRE(f.start()->relation == HeadRelation::kPrefix);
    auto run = f.fetch(0, 100);
    REQUIRE(run);
    CHECK(run->bytes() > 0);
    auto batch = verify_run(*std::move(run));
    REQUIRE(batch);
    CHECK(batch->irregular() == 2 * odd.size());
    for (std::size_t i = 0; i < batch->size(); ++i) {
      VerifiedRecord r = (*batch)[i];
      REQUIRE(r.text() == log.record(i));
      if (!r.regular()) continue;
      auto parsed = parse_go_record(r.text());
      REQUIRE(parsed);
      CHECK(r.module() == parsed->module);
      CHECK(r.version() == parsed->version);
      CHECK(go_sums(r).zip == parsed->zip_sum);
      CHECK(go_sums(r).gomod == parsed->gomod_sum);
    }
  }
}

TEST_CASE("a tile that begins like a numbered one, but is not") {
  TestLog log;
  log.add_synthetic(256 * 3);
  log.append("768\nfirst line looks like a record id\n");
  log.add_synthetic(300);
  for (std::uint64_t to : {256UL * 3 + 1, 256UL * 3 + 100, 256UL * 4, log.size()}) {
    for (std::uint64_t from : {0UL, 700UL, 768UL}) {
      log.serve(to);
      INFO(from << " " << to);
      auto got = follow(log, log.head(to), log.frontier(from));
      REQUIRE(got);
      check_followed(log, log.head(to), from, *got);
    }
  }
}

TEST_CASE("a head that signs another root than its tiles have") {
  TestLog log = long_log();
  Hash wrong = sha256("wrong");
  for (std::uint64_t from : {0UL, 69000UL}) {
    auto got = follow(log, log.sign(70100, wrong), log.frontier(from));
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == ErrorKind::kUntrusted);
    CHECK_THAT(got.error().message, Catch::Contains("signed for 70100"));
  }
}

TEST_CASE("runs are verified in parallel while others are fetched") {
  TestLog log = long_log();
  RunFetcher f(log, log.head(70100), Frontier());
  REQUIRE(f.start());
  std::vector<FetchedRun> runs;
  for (std::uint64_t at = 0; at < 70100;) {
    auto run = f.fetch(at, 64);
    REQUIRE(run);
    at = run->end();
    runs.push_back(*std::move(run));
  }
  std::vector<std::optional<VerifiedBatch>> batches(runs.size());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < runs.size(); i += 2) {
        auto batch = verify_run(std::move(runs[i]));
        if (batch) batches[i].emplace(*std::move(batch));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  std::uint64_t at = 0;
  for (auto& batch : batches) {
    REQUIRE(batch);
    CHECK(batch->first() == at);
    at = batch->end();
    CHECK(batch->frontier() == log.frontier(at));
  }
  CHECK(at == 70100);
}
