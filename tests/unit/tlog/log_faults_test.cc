// The log writer when something fails, and when many threads append at once.
//
// The invariants, whatever happens: only what is durable is signed, and with the right root; what a
// caller was told is in the log is there; a key has one record; readers never go back.
#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <thread>

#include "support/tlog/own_log.h"
#include "tlog/c2sp_tiles.h"
#include "tlog/hash.h"
#include "tlog/log_files.h"
#include "tlog/log_writer.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::MemoryLogStore;
using Fault = MemoryLogStore::Fault;

namespace {

Hash root_of(const std::vector<std::string>& records, std::uint64_t size) {
  Frontier tree;
  for (std::uint64_t n = 0; n < size; ++n) tree.append(leaf_hash(records[n]));
  return tree.root();
}

// Signs, and checks each text against what is durable at that moment. Fails on request.
class WatchedSigner : public NoteSigner {
 public:
  WatchedSigner(std::string name, const MemoryLogStore& store)
      : key_(SignerKey::from_seed(name, std::string(32, 's')).value()),
        verifier_(key_.verifier()),
        store_(&store) {}

  Result<std::string> sign(std::string_view text) override {
    ++calls;
    const bool bad = fail_at != 0 && --fail_at == 0;
    if (bad && how == How::kError) return unavailable_error("the signer is away");
    const std::string origin =
        std::string(verifier_.name() == "log.test" ? kSumdbOrigin : verifier_.name());
    const std::uint64_t size = store_->records().size();
    if (text != format_tree_text(origin, size, root_of(store_->records(), size))) ++wrong;
    std::string note = key_.sign_note(text);
    if (bad && how == How::kOtherText) note = key_.sign_note("x\n" + std::string(text));
    if (bad && how == How::kBadSignature) note[note.size() - 10] ^= 1;
    return note;
  }
  const VerifierKey& key() const override { return verifier_; }

  enum class How { kError, kOtherText, kBadSignature };
  std::uint64_t fail_at = 0;
  How how = How::kError;
  std::uint64_t calls = 0;
  std::uint64_t wrong = 0;  // texts that were not the head of all that is durable

 private:
  SignerKey key_;
  VerifierKey verifier_;
  const MemoryLogStore* store_;
};

// A log's life: opened, appended to in commits of one to four records, opened again when it must.
struct Life {
  MemoryLogStore store;
  WatchedSigner latest{"log.test", store};
  WatchedSigner checkpoint{"log.test/tlog", store};
  std::unique_ptr<LogWriter> writer;
  std::map<std::string, std::uint64_t> told;  // what callers were told is in the log
  std::uint64_t seen = 0;                     // the largest head
  std::uint64_t errors = 0;
  std::uint64_t opened = 0;

  bool open() {
    auto made = LogWriter::open(store, {&latest, &checkpoint});
    if (!made) {
      ++errors;
      store.reopen();
      return false;
    }
    ++opened;
    writer = *std::move(made);
    return true;
  }

  static LogEntry entry(int n) {
    return {"key" + std::to_string(n), "record " + std::to_string(n) + "\n", nullptr};
  }

  // Appends until it is in the log; how often that took is bounded.
  void append(int first, int count) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      if (!writer && !open()) continue;
      std::vector<LogEntry> entries;
      for (int n = first; n < first + count; ++n) entries.push_back(entry(n));
      bool all = true;
      const auto results = writer->append_all(std::move(entries));
      for (int i = 0; i < count; ++i) {
        const auto& result = results[static_cast<std::size_t>(i)];
        if (!result) {
          all = false;
          continue;
        }
        REQUIRE(result->head->size > result->number);
        told.emplace("key" + std::to_string(first + i), result->number);
      }
      look();
      if (all) return;
      ++errors;
      // The second time a service would be started again.
      if (attempt == 1) {
        writer.reset();
        store.reopen();
      }
    }
    FAIL("the log does not recover");
  }

  void look() {
    const auto head = writer->head();
    REQUIRE(head->size >= seen);
    REQUIRE(head->size <= store.records().size());
    seen = head->size;
    REQUIRE(head->latest.find("\n" + std::to_string(seen) + "\n") != std::string::npos);
    REQUIRE(head->root == root_of(store.records(), seen));
  }

  void live() {
    for (int n = 0, commit = 0; n < 40; n += commit % 4 + 1, ++commit) append(n, commit % 4 + 1);
  }

  void check() {
    CHECK(latest.wrong + checkpoint.wrong == 0);
    const std::set<std::string> once(store.records().begin(), store.records().end());
    CHECK(once.size() == store.records().size());
    for (const auto& [key, number] : told) {
      CHECK(store.records().at(number) == "record " + key.substr(3) + "\n");
    }
    CHECK(told.size() == once.size());
    CHECK(seen == once.size());
  }
};

}  // namespace

TEST_CASE("any store operation fails, before or after its work, or the process dies there") {
  std::uint64_t operations = 0;
  {
    Life life;
    life.live();
    life.check();
    CHECK(life.errors == 0);
    operations = life.store.operations();
    REQUIRE(operations > 50);
  }
  for (const Fault fault : {Fault::kFail, Fault::kFailAfter, Fault::kCrash, Fault::kCrashAfter}) {
    std::uint64_t felt = 0;
    for (std::uint64_t n = 1; n <= operations; ++n) {
      INFO("operation " << n << ", fault " << static_cast<int>(fault));
      Life life;
      life.store.fail_at(n, fault);
      life.live();
      life.check();
      felt += life.errors > 0 ? 1 : 0;
      // A process that goes on needs no new start after a single fault.
      if (fault == Fault::kFail || fault == Fault::kFailAfter) CHECK(life.opened == 1);
    }
    // A commit that was saved in spite of its error is none to its callers.
    CHECK(felt >= operations / 2);
    CHECK((fault == Fault::kFailAfter) == (felt < operations));
  }
}

TEST_CASE("a store that saves half of a commit is not gone on with") {
  Life life;
  life.append(0, 4);
  life.store.fail_at(5, Fault::kTear);  // after four look-ups
  auto results =
      life.writer->append_all({Life::entry(10), Life::entry(11), Life::entry(12), Life::entry(13)});
  for (const auto& result : results) REQUIRE_FALSE(result);
  CHECK(life.store.records().size() == 6);
  const auto later = life.writer->append(Life::entry(20));
  REQUIRE_FALSE(later);
  CHECK(later.error().kind == ErrorKind::kCorrupt);
  // Not even what is in the log is answered for any more; the old head stays.
  CHECK_FALSE(life.writer->append(Life::entry(0)));
  CHECK(life.writer->publish().error().kind == ErrorKind::kCorrupt);
  CHECK(life.writer->head()->size == 4);
  CHECK(life.latest.wrong + life.checkpoint.wrong == 0);
}

TEST_CASE("the store cannot be read after a failed commit: the next one looks again") {
  Life life;
  life.append(0, 2);
  int after = 0;
  SECTION("nothing was saved") { after = 2; }
  SECTION("all was saved") { after = 3; }
  life.store.on_append = [&] {
    life.store.fail_at(1, after == 2 ? Fault::kCrash : Fault::kCrashAfter);
    life.store.on_append = {};
  };
  REQUIRE_FALSE(life.writer->append(Life::entry(5)));
  REQUIRE_FALSE(life.writer->append(Life::entry(6)));
  CHECK(life.writer->head()->size == 2);
  life.store.reopen();  // the database answers again; the writer is the same
  REQUIRE(life.writer->publish());
  CHECK(life.writer->head()->size == static_cast<std::uint64_t>(after));
  const auto again = life.writer->append(Life::entry(5));
  REQUIRE(again);
  CHECK(again->number == 2);
  CHECK(life.writer->head()->size == 3);  // kept once
  CHECK(life.latest.wrong + life.checkpoint.wrong == 0);
}

TEST_CASE("the signer fails: nobody sees the head, and the next signature covers all") {
  for (const bool second : {false, true}) {
    for (const auto how : {WatchedSigner::How::kError, WatchedSigner::How::kOtherText,
                           WatchedSigner::How::kBadSignature}) {
      for (std::uint64_t n = 1; n <= 17; ++n) {
        INFO("signature " << n << ", " << static_cast<int>(how) << ", second " << second);
        Life life;
        WatchedSigner& signer = second ? life.checkpoint : life.latest;
        signer.fail_at = n;
        signer.how = how;
        life.live();
        life.check();
        CHECK(life.errors == 1);
      }
    }
  }
  Life life;
  life.append(0, 3);
  life.latest.fail_at = 1;
  const auto failed = life.writer->append(Life::entry(7));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().kind == ErrorKind::kUnavailable);
  CHECK(life.writer->head()->size == 3);
  CHECK(life.store.records().size() == 4);
  // It is saved, and yet not to be seen.
  const LogFiles files(life.store, *life.writer, DataTileStyle::kNumbered);
  for (const char* path : {"lookup/key7", "tile/8/0/000.p/4", "tile/entries/000.p/4"}) {
    const auto read = files.read(path);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::kNotFound);
  }
  CHECK_FALSE(files.lookup_reply(3, *life.writer->head()));
  CHECK(files.read("lookup/key2"));
  // What a published head covers is answered even while the signer is away.
  life.latest.fail_at = 1;
  const auto old = life.writer->append(Life::entry(1));
  REQUIRE(old);
  CHECK(old->number == 1);
  REQUIRE(life.writer->publish());
  CHECK(life.writer->head()->size == 4);
  CHECK(files.read("lookup/key7"));
  const std::uint64_t calls = life.latest.calls;
  REQUIRE(life.writer->publish());
  CHECK(life.latest.calls == calls);
}

TEST_CASE("callers that come during a commit share the next one") {
  constexpr int kThreads = 6;
  // How many entries each call has, and how many commits there are: the first call's own, and as
  // few as the limit of 4096 entries allows.
  const auto [each, commits] = GENERATE(std::pair(1, 2), std::pair(1500, 4), std::pair(5000, 6));
  Life life;
  REQUIRE(life.open());
  // The first commit does not begin before all the others wait.
  bool first = true;
  life.store.on_append = [&] {
    while (first && life.writer->waiting() < kThreads) std::this_thread::yield();
    first = false;
  };
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t, count = each] {
      std::vector<LogEntry> entries;
      for (int i = 0; i < count; ++i) entries.push_back(Life::entry(t * count + i));
      for (const auto& done : life.writer->append_all(std::move(entries))) {
        if (done && done->number < done->head->size) ++good;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(good == kThreads * each);
  CHECK(life.store.commits() == static_cast<std::uint64_t>(commits));
  CHECK(life.writer->waiting() == 0);
  CHECK(life.latest.calls == 1 + life.store.commits());  // the empty tree's, and one for each
  life.look();
}

TEST_CASE("many threads append the same and different keys while others read") {
  gw::testing::OwnLog log(SignerKey::from_seed("log.test", std::string(32, 'l')).value());
  constexpr int kThreads = 4;
  constexpr int kEach = 150;
  std::atomic<bool> stop = false;
  std::atomic<int> bad = 0;
  std::array<std::map<std::string, std::uint64_t>, kThreads> told;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        // Every third key is everybody's.
        const std::string key =
            i % 3 == 0 ? "all " + std::to_string(i) : std::to_string(t) + " " + std::to_string(i);
        const auto done = log.writer().append({key, "record of " + key + "\n", nullptr});
        if (!done || done->number >= done->head->size) ++bad;
        if (done) told[static_cast<std::size_t>(t)][key] = done->number;
      }
    });
  }
  std::thread reader([&] {
    std::uint64_t seen = 0;
    while (!stop) {
      const auto head = log.writer().head();
      if (head->size < seen || log.store.size().value() < head->size) ++bad;
      seen = head->size;
      if (seen == 0) continue;
      const TileId last{kDataLevel, (seen - 1) / kTileWidth,
                        tile_width(kDataLevel, (seen - 1) / kTileWidth, seen)};
      if (!log.files().read(format_tile_path(last)) || !log.files().read("latest")) ++bad;
    }
  });
  for (std::thread& t : threads) t.join();
  stop = true;
  reader.join();
  CHECK(bad == 0);
  constexpr std::size_t kShared = kEach / 3;
  CHECK(log.store.records().size() == kShared + kThreads * (kEach - kShared));
  for (const auto& mine : told) {
    CHECK(mine.size() == kEach);
    for (const auto& [key, number] : mine) {
      CHECK(log.store.records().at(number) == "record of " + key + "\n");
    }
  }
  CHECK(log.head().root() == root_of(log.store.records(), log.store.records().size()));
}
