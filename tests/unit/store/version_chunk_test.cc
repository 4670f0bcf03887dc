#include "store/version_chunk.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "store/packed_version.h"

using namespace gw::store;

namespace {

std::string pack_chunk(const std::string& version) {
  std::string out;
  append_packed_version(out, version);
  return out;
}

// The chunks of one module as the table holds them.
struct Table {
  std::map<std::string, std::string> rows{{"", std::string(1, '\0')}};
  std::vector<Repeat> repeats;

  // As ModuleMerger does it, one chunk after the other.
  void add(std::vector<std::pair<std::string, std::uint64_t>> versions) {
    std::stable_sort(versions.begin(), versions.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<VersionEntry> added;
    for (const auto& [packed, record] : versions) added.push_back({packed, record});
    for (std::size_t done = 0; done < added.size();) {
      const auto row = std::prev(rows.upper_bound(std::string(added[done].packed)));
      const std::string first = row->first;
      const std::string bytes = row->second;
      VersionChunk chunk;
      REQUIRE(parse_chunk(bytes, chunk));
      std::size_t end = done + 1;
      while (end < added.size() && (chunk.upper.empty() || added[end].packed < chunk.upper)) ++end;
      std::vector<VersionEntry> merged;
      std::vector<Repeat> found;
      merge_entries(chunk.entries, &added[done], end - done, merged, found);
      for (const Repeat& r : found) repeats.push_back(r);
      std::vector<ChunkRow> out;
      const std::size_t n = format_chunks(first, chunk.upper, merged, out);
      rows.erase(row);
      for (std::size_t i = 0; i < n; ++i) {
        REQUIRE(rows.emplace(std::string(out[i].first), out[i].bytes).second);
      }
      done = end;
    }
  }
};

}  // namespace

TEST_CASE("chunks hold exactly what was added, in order, within their size") {
  std::mt19937_64 random(11);  // NOLINT: the same for each run
  for (int round = 0; round < 20; ++round) {
    Table table;
    std::map<std::string, std::uint64_t> reference;
    std::size_t repeated = 0;
    std::uint64_t record = 0;
    for (int batch = 0; batch < 30; ++batch) {
      std::vector<std::pair<std::string, std::uint64_t>> added;
      for (std::size_t n = random() % 200; n > 0; --n) {
        std::string v = "v" + std::to_string(random() % 3) + "." + std::to_string(random() % 60) +
                        "." + std::to_string(random() % 20);
        if (random() % 3 == 0) v += "-0.20200102030405-" + std::string(12, "abcdef"[random() % 6]);
        if (random() % 50 == 0) v += std::string(random() % 2000, 'y');
        added.emplace_back(pack_chunk(v), record);
        if (!reference.emplace(pack_chunk(v), record).second) ++repeated;
        record += 1 + random() % 100000;
      }
      table.add(added);
    }
    CHECK(table.repeats.size() == repeated);
    std::map<std::string, std::uint64_t> stored;
    std::string next;
    for (auto it = table.rows.begin(); it != table.rows.end(); ++it) {
      VersionChunk chunk;
      REQUIRE(parse_chunk(it->second, chunk));
      const auto after = std::next(it);
      CHECK(chunk.upper == (after == table.rows.end() ? "" : after->first));
      CHECK((it->second.size() <= kMaxChunkBytes + 40 + chunk.upper.size() ||
             chunk.entries.size() <= 2));
      for (const VersionEntry& e : chunk.entries) {
        CHECK((e.packed >= it->first && (chunk.upper.empty() || e.packed < chunk.upper)));
        stored.emplace(e.packed, e.record);
      }
    }
    CHECK(stored == reference);
    // The lowest record of a version is the one that stays.
    for (const Repeat& r : table.repeats) CHECK(r.first < r.record);
  }
}

TEST_CASE("damaged chunks are refused") {
  std::vector<ChunkRow> rows;
  const std::string a = pack_chunk("v1.0.0");
  const std::string b = pack_chunk("v1.0.1");
  REQUIRE(format_chunks("", b, {{a, 5}}, rows) == 1);
  VersionChunk chunk;
  CHECK(parse_chunk(rows[0].bytes, chunk));
  for (std::size_t n = 0; n < rows[0].bytes.size(); ++n) {
    const bool whole_entries = n == 1 + b.size();
    CHECK(parse_chunk(std::string_view(rows[0].bytes).substr(0, n), chunk) == whole_entries);
  }
  const std::string none(1, '\0');
  CHECK(parse_chunk(none, chunk));
  CHECK(chunk.entries.empty());
  CHECK_FALSE(parse_chunk(none + b + "\x01" + a + "\x02", chunk));  // out of order
  CHECK_FALSE(parse_chunk(none + a + "\x01" + a + "\x02", chunk));  // twice
  CHECK_FALSE(parse_chunk(std::string(1, static_cast<char>(a.size())) + a + b + "\x01", chunk));
}
