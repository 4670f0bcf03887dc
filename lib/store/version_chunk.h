// The versions of a module in sorted chunks: the leaves of a B-tree, packed by us.
//
// A row per version costs SQLite's row overhead (key, header, cell) per record and a statement per
// record. Here a row is a chunk of up to kMaxChunkBytes of a module's versions, sorted by their
// packed bytes; nearly every module has one chunk, a module of ten thousand versions has a few
// hundred. A batch of new versions costs one read and one write per chunk that it touches, and the
// check for duplicates is the merge itself.
//
//   chunk  = varint length of `upper`, upper, entry…
//   upper  = the first packed version of the next chunk of this module; empty in its last chunk
//   entry  = packed version, varint record number
//
// The first chunk of a module covers everything from the empty key on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gw::store {

// An index page of 4096 bytes holds four such rows without overflow pages, one of 8192 eight.
inline constexpr std::size_t kMaxChunkBytes = 900;

struct VersionEntry {
  std::string_view packed;
  std::uint64_t record = 0;
  bool no_gomod = false;  // of what is on its way; not in the chunk
};

// A chunk, decoded; the views point into its bytes.
struct VersionChunk {
  std::string_view upper;
  std::vector<VersionEntry> entries;
};

// None when the bytes are not a chunk as append_chunk writes it (entries in strict order included).
// `out` is reused.
bool parse_chunk(std::string_view bytes, VersionChunk& out);

// A version that was there already. `record` is the record that repeats `first`.
struct Repeat {
  std::string_view packed;
  std::uint64_t first = 0;
  std::uint64_t record = 0;
};

// Merges `added` (sorted by packed version, then by record number) into `entries` (sorted). The
// lowest record of a version stays; every other one is reported.
void merge_entries(const std::vector<VersionEntry>& entries, const VersionEntry* added,
                   std::size_t count, std::vector<VersionEntry>& out, std::vector<Repeat>& repeats);

// One chunk to write: `first` is its key (empty for the first chunk of the module).
struct ChunkRow {
  std::string_view first;
  std::string bytes;
};

// Writes `entries` as the chunks that replace one which began at `first` and ended at `upper`.
// Returns how many rows of `out` are used; `out` is reused, its strings keep their memory.
std::size_t format_chunks(std::string_view first, std::string_view upper,
                          const std::vector<VersionEntry>& entries, std::vector<ChunkRow>& out);

}  // namespace gw::store
