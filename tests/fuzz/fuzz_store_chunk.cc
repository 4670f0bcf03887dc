// The store's packed versions and version chunks: any bytes are refused or come back the same, and
// any text packs and unpacks to itself.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "store/packed_version.h"
#include "store/version_chunk.h"

namespace fuzz_store_chunk {

using namespace gw::store;

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

void fuzz_text(std::string_view text) {
  std::string packed;
  append_packed_version(packed, text);
  check(unpack_version(packed) == text);
  std::string_view in = packed;
  check(read_packed_version(in) == std::string_view(packed) && in.empty());
}

void fuzz_packed(std::string_view bytes) {
  std::string_view rest = bytes;
  const auto packed = read_packed_version(rest);
  if (!packed) return;
  check(packed->size() + rest.size() == bytes.size());
  // A text form of what has a shorter one is never written, but unpacks; everything else is unique.
  if (const auto text = unpack_version(*packed)) fuzz_text(*text);
}

void fuzz_chunk(std::string_view bytes) {
  VersionChunk chunk;
  if (!parse_chunk(bytes, chunk)) return;
  std::vector<ChunkRow> rows;
  const std::size_t n = format_chunks({}, chunk.upper, chunk.entries, rows);
  std::size_t entries = 0;
  VersionChunk again;
  for (std::size_t i = 0; i < n; ++i) {
    check(parse_chunk(rows[i].bytes, again));
    check(again.upper == (i + 1 < n ? rows[i + 1].first : chunk.upper));
    for (const VersionEntry& e : again.entries) {
      check(e.packed == chunk.entries[entries].packed);
      check(e.record == chunk.entries[entries++].record);
    }
  }
  check(entries == chunk.entries.size());
  // Merging a chunk with itself adds nothing and reports every version.
  std::vector<VersionEntry> merged;
  std::vector<Repeat> repeats;
  merge_entries(chunk.entries, chunk.entries.data(), chunk.entries.size(), merged, repeats);
  check(merged.size() == chunk.entries.size() && repeats.size() == chunk.entries.size());
}

}  // namespace

FUZZ_TARGET(store_chunk)(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fuzz_text(bytes);
  fuzz_packed(bytes);
  fuzz_chunk(bytes);
  return 0;
}

}  // namespace fuzz_store_chunk
