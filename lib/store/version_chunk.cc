#include "store/version_chunk.h"

#include <algorithm>

#include "store/packed_version.h"

namespace gw::store {
bool parse_chunk(std::string_view bytes, VersionChunk& out) {
  out.entries.clear();
  const auto upper_size = read_varint(bytes);
  if (!upper_size || *upper_size > bytes.size()) return false;
  out.upper = bytes.substr(0, *upper_size);
  bytes.remove_prefix(*upper_size);
  while (!bytes.empty()) {
    const auto packed = read_packed_version(bytes);
    if (!packed) return false;
    const auto record = read_varint(bytes);
    if (!record) return false;
    if (!out.entries.empty() && out.entries.back().packed >= *packed) return false;
    out.entries.push_back({*packed, *record});
  }
  return out.upper.empty() || out.entries.empty() || out.entries.back().packed < out.upper;
}

void merge_entries(const std::vector<VersionEntry>& entries, const VersionEntry* added,
                   std::size_t count, std::vector<VersionEntry>& out,
                   std::vector<Repeat>& repeats) {
  out.clear();
  std::size_t i = 0;
  for (std::size_t j = 0; j < count; ++j) {
    const VersionEntry& entry = added[j];
    const auto from = entries.begin() + static_cast<std::ptrdiff_t>(i);
    // New versions are mostly above all that are there.
    const auto to =
        entries.empty() || entries.back().packed < entry.packed
            ? entries.end()
            : std::lower_bound(from, entries.end(), entry,
                               [](const auto& x, const auto& y) { return x.packed < y.packed; });
    out.insert(out.end(), from, to);
    i = static_cast<std::size_t>(to - entries.begin());
    if (i < entries.size() && entries[i].packed == entry.packed) out.push_back(entries[i++]);
    if (!out.empty() && out.back().packed == entry.packed) {
      repeats.push_back({entry.packed, out.back().record, entry.record});
    } else {
      out.push_back(entry);
    }
  }
  out.insert(out.end(), entries.begin() + static_cast<std::ptrdiff_t>(i), entries.end());
}

std::size_t format_chunks(std::string_view first, std::string_view upper,
                          const std::vector<VersionEntry>& entries, std::vector<ChunkRow>& out) {
  // A varint of a record number is at most 10 bytes; an entry alone may exceed the limit (a text
  // version), it then has a chunk of its own.
  const auto entry_size = [](const VersionEntry& e) {
    std::size_t n = e.packed.size() + 1;
    for (std::uint64_t v = e.record; v >= 0x80; v >>= 7) ++n;
    return n;
  };
  std::size_t total = 0;
  for (const VersionEntry& e : entries) total += entry_size(e);
  // Split evenly, so that chunks that have just been split have room to grow.
  const std::size_t pieces = total <= kMaxChunkBytes ? 1 : total * 3 / (kMaxChunkBytes * 2) + 1;
  const std::size_t piece_limit = pieces == 1 ? total : total / pieces + 1;

  std::size_t rows = 0;
  std::size_t i = 0;
  do {
    const std::size_t begin = i;
    std::size_t size = 0;
    while (i < entries.size() && (i == begin || size + entry_size(entries[i]) <= piece_limit)) {
      size += entry_size(entries[i++]);
    }
    if (rows == out.size()) out.emplace_back();
    ChunkRow& row = out[rows++];
    row.first = begin == 0 ? first : entries[begin].packed;
    const std::string_view next = i < entries.size() ? entries[i].packed : upper;
    row.bytes.clear();
    append_varint(row.bytes, next.size());
    row.bytes.append(next);
    for (std::size_t k = begin; k < i; ++k) {
      row.bytes.append(entries[k].packed);
      append_varint(row.bytes, entries[k].record);
    }
  } while (i < entries.size());
  return rows;
}

}  // namespace gw::store
