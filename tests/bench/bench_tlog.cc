// What verifying a log costs on one core, part by part.
//
// Distribution: 262,144 synthetic records with paths of 20 to 60 bytes and one version in three a
// pseudo-version, about 230 bytes a record (the replica log's average is 212), in data tiles as the
// Go log frames them. Best of five rounds each; nothing is fetched.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "tlog/data_tile.h"
#include "tlog/go_log.h"
#include "tlog/hash.h"
#include "tlog/run_fetcher.h"

using namespace gw;
using namespace gw::tlog;

namespace {

constexpr std::uint64_t kRecords = 262144;

struct Log : TileSource {
  std::vector<std::string> tiles;
  std::vector<Hash> level1;
  std::size_t bytes = 0;

  Log() {
    for (std::uint64_t first = 0; first < kRecords; first += kTileWidth) {
      std::vector<std::string> records;
      Frontier tile;
      for (std::uint64_t n = first; n < first + kTileWidth; ++n) {
        std::string seed = std::to_string(n);
        Hash h = sha256(seed);
        std::string module = "github.com/owner" + std::to_string(h[0] * 7) + "/repository-" +
                             std::string(h[1] % 30, 'x') + std::to_string(h[2]);
        std::string version =
            h[3] % 3 == 0 ? "v0.0.0-20191227195350-da58074b" + std::to_string(1000 + n % 9000)
                          : "v1." + std::to_string(h[4]) + "." + seed;
        records.push_back(
            format_go_record({module, version, format_sum(h), format_sum(sha256(seed, "m"))}));
        tile.append(leaf_hash(records.back()));
        bytes += records.back().size();
      }
      tiles.push_back(format_data_tile(records, first, DataTileStyle::kSeparated));
      level1.push_back(tile.root());
    }
  }
  std::vector<Result<std::string>> fetch(std::span<const FetchRequest> requests) override {
    std::vector<Result<std::string>> out;
    for (const FetchRequest& r : requests) {
      auto id = parse_tile_path(r.path);
      if (id && id->level == kDataLevel) {
        out.emplace_back(tiles[id->index]);
      } else if (id && id->level == 1) {
        std::vector<Hash> part(
            level1.begin() + static_cast<std::ptrdiff_t>(id->index * 256),
            level1.begin() + static_cast<std::ptrdiff_t>(id->index * 256 + id->width));
        out.emplace_back(format_hash_tile(part));
      } else {
        std::vector<Hash> part;
        for (std::size_t i = 0; i < level1.size(); i += 256) {
          part.push_back(subtree_root(std::span(level1).subspan(i, 256)));
        }
        out.emplace_back(format_hash_tile(part));
      }
    }
    return out;
  }
  std::string describe() const override { return "memory"; }
};

template <class F>
void measure(const char* what, double units, F&& f) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    auto start = std::chrono::steady_clock::now();
    f();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  std::printf("%-34s %8.1f ns  %8.2f M/s\n", what, best / units * 1e9, units / best / 1e6);
}

}  // namespace

int main() {
  if (!init_crypto()) return 1;
  Log log;
  std::printf("%llu records of %.0f bytes\n", static_cast<unsigned long long>(kRecords),
              static_cast<double>(log.bytes) / kRecords);
  RecordTexts texts;
  std::size_t sink = 0;
  measure("split", kRecords, [&] {
    for (std::size_t i = 0; i < log.tiles.size(); ++i) {
      sink += split_data_tile(log.tiles[i], i * 256, 256, Framing::kBlankLines, texts);
    }
  });
  measure("split and parse", kRecords, [&] {
    for (std::size_t i = 0; i < log.tiles.size(); ++i) {
      sink += split_data_tile(log.tiles[i], i * 256, 256, Framing::kBlankLines, texts);
      for (auto t : texts) sink += parse_go_record(t)->module.size();
    }
  });
  measure("split and leaf hash", kRecords, [&] {
    for (std::size_t i = 0; i < log.tiles.size(); ++i) {
      sink += split_data_tile(log.tiles[i], i * 256, 256, Framing::kBlankLines, texts);
      for (auto t : texts) sink += leaf_hash(t)[0];
    }
  });
  measure("node hash", kRecords, [&] {
    Hash h{};
    for (std::uint64_t i = 0; i < kRecords; ++i) h = node_hash(h, h);
    sink += h[0];
  });
  Frontier root;
  for (const Hash& h : log.level1) root.append_subtree(8, h);
  SignerKey key = SignerKey::from_seed("bench", std::string(32, 'k')).value();
  Checkpoint head =
      Checkpoint::open(key.sign_note(format_tree_text(kGoLog.origin, kRecords, root.root())),
                       key.verifier(), kGoLog)
          .value();
  std::vector<FetchedRun> runs;
  measure("fetch (from memory)", kRecords, [&] {
    runs.clear();
    RunFetcher f(log, head, Frontier());
    if (!f.start()) std::abort();
    for (std::uint64_t at = 0; at < kRecords; at += 65536) runs.push_back(f.fetch(at, 256).value());
  });
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    RunFetcher f(log, head, Frontier());
    if (!f.start()) std::abort();
    runs.clear();
    for (std::uint64_t at = 0; at < kRecords; at += 65536) runs.push_back(f.fetch(at, 256).value());
    auto start = std::chrono::steady_clock::now();
    for (FetchedRun& run : runs) sink += verify_run(std::move(run)).value().size();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  std::printf("%-34s %8.1f ns  %8.2f M/s\n", "verify_run, all of it", best / kRecords * 1e9,
              kRecords / best / 1e6);
  return sink == 0 ? 1 : 0;
}
