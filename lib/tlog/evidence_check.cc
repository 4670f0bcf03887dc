#include "tlog/evidence_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "tlog/build_log.h"
#include "tlog/data_tile.h"
#include "tlog/go_log.h"
#include "tlog/hash.h"
#include "tlog/head_tree.h"
#include "tlog/history.h"

namespace gw::tlog {
namespace {

// ---- reading the file ----

std::string text_of(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// The list, empty when there is none.
const Json& list_of(const Json& object, const char* name) {
  static const Json none = Json::array();
  if (!object.is_object()) return none;
  const auto it = object.find(name);
  return it != object.end() && it->is_array() ? *it : none;
}

std::uint64_t number_of(const Json& object, const char* name) {
  if (!object.is_object()) return 0;
  const auto it = object.find(name);
  return it != object.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

std::optional<Hash> hash_of(std::string_view text) {
  const auto bytes = decode_base64(text);
  if (!bytes || bytes->size() != sizeof(Hash)) return std::nullopt;
  return hash_from_bytes(*bytes);
}

Error malformed(std::string_view what) {
  return usage_error(fmt::format("not a file of evidence: {}", what));
}

Result<std::vector<TileBytes>> parse_tiles(const Json& document, const char* name) {
  std::vector<TileBytes> out;
  for (const Json& tile : list_of(document, name)) {
    auto bytes = decode_base64(text_of(tile, "bytes"));
    if (!bytes) return malformed("a tile's bytes are not base64");
    out.push_back({text_of(tile, "path"), *std::move(bytes)});
  }
  return out;
}

Result<ProvenRecord> parse_record(const Json& object, const char* name) {
  const auto it = object.is_object() ? object.find(name) : object.end();
  if (it == object.end()) return malformed("a pair of records lacks one");
  ProvenRecord out;
  out.number = number_of(*it, "number");
  out.text = text_of(*it, "text");
  out.proof_missing = text_of(*it, "proof_missing");
  for (const Json& h : list_of(*it, "inclusion_proof")) {
    const auto hash = hash_of(h.is_string() ? h.get<std::string>() : std::string());
    if (!hash) return malformed("a proof's hash is none");
    out.proof.push_back(*hash);
  }
  return out;
}

// ---- what it shows ----

// The file's tiles as a log's. A data tile stands for the hashes of level 0 that it gives.
class FileSource : public TileSource {
 public:
  explicit FileSource(std::span<const TileBytes> tiles) : tiles_(tiles) {}
  std::vector<Result<std::string>> fetch(std::span<const FetchRequest> requests) override {
    std::vector<Result<std::string>> out;
    for (const FetchRequest& r : requests) out.push_back(find(r.path));
    return out;
  }
  std::string describe() const override { return "evidence"; }

 private:
  Result<std::string> find(const std::string& path) const {
    for (const TileBytes& tile : tiles_) {
      if (tile.path == path) return tile.bytes;
    }
    const auto wanted = parse_tile_path(path);
    for (const TileBytes& tile : tiles_) {
      const auto id = parse_tile_path(tile.path);
      if (!wanted || !id || wanted->level != 0 || id->level != kDataLevel) continue;
      if (id->index != wanted->index || id->width < wanted->width) continue;
      if (auto hashes = leaves(*id, tile.bytes)) {
        hashes->resize(wanted->width);
        return format_hash_tile(*hashes);
      }
    }
    return not_found_error(path + ": not in the file");
  }
  static std::optional<std::vector<Hash>> leaves(const TileId& id, const std::string& bytes) {
    RecordTexts texts;
    const std::uint64_t first = id.index * kTileWidth;
    if (!split_data_tile(bytes, first, id.width, guess_framing(bytes, first), texts)) {
      return std::nullopt;
    }
    std::vector<Hash> out;
    for (std::uint32_t i = 0; i < id.width; ++i) out.push_back(leaf_hash(texts[i]));
    return out;
  }

  std::span<const TileBytes> tiles_;
};

// The root of the first `size` records under a head, as the tiles prove it.
std::optional<Hash> root_under(const Checkpoint& head, std::uint64_t size,
                               std::span<const TileBytes> tiles) {
  if (size == head.size()) return head.root();
  if (size > head.size()) return std::nullopt;
  FileSource source(tiles);
  HeadTree tree(source, head);
  const auto frontier = tree.frontier_at(size);
  if (!frontier) return std::nullopt;
  return frontier->root();
}

Error not_shown(const std::string& why) {
  return untrusted_error("the evidence does not show what it says: " + why);
}

std::optional<EvidenceFinding> find_fork(const Evidence& e, const std::vector<Checkpoint>& heads) {
  for (const Checkpoint& a : heads) {
    for (const Checkpoint& b : heads) {
      if (a.size() > b.size() || (a.size() == b.size() && a.root() == b.root())) continue;
      std::vector<std::uint64_t> sizes = {a.size(), a.size() - a.size() % kTileWidth};
      if (e.roots) sizes.push_back(e.roots->size);
      for (const std::uint64_t size : sizes) {
        const auto under_a = root_under(a, size, e.other_tiles);
        if (!under_a) continue;
        FileSource source(e.tiles);
        HeadTree larger(source, b);
        const auto compared = compare_history(size, *under_a, larger);
        if (!compared || !compared->fork()) continue;
        return EvidenceFinding{
            true, fmt::format("{} signed two histories: its heads of {} and {} records have "
                              "different roots of the first {}",
                              a.key_name(), a.size(), b.size(), size)};
      }
    }
  }
  return std::nullopt;
}

Status check_record(const ProvenRecord& r, const std::vector<Checkpoint>& heads) {
  for (const Checkpoint& head : heads) {
    if (r.number < head.size() &&
        verify_inclusion(leaf_hash(r.text), r.number, head.size(), r.proof, head.root())) {
      return {};
    }
  }
  return not_shown(fmt::format("record {} is not proven to be in the log{}{}", r.number,
                               r.proof_missing.empty() ? "" : ": ", r.proof_missing));
}

Result<EvidenceFinding> check_records(const Evidence& e, const std::vector<Checkpoint>& heads) {
  std::string first_key;
  for (const auto& [first, second] : e.records) {
    GW_CHECK(check_record(first, heads));
    GW_CHECK(check_record(second, heads));
    std::string key;
    for (const LogFormat* format : {&kGoLog, &kBuildLog}) {
      const std::string own = format->key_of(first.text);
      if (!own.empty() && own == format->key_of(second.text)) key = own;
    }
    if (key.empty() || first.text == second.text || first.number == second.number) {
      return not_shown(fmt::format("records {} and {} do not contradict each other", first.number,
                                   second.number));
    }
    if (first_key.empty()) first_key = key;
  }
  if (first_key.empty()) return not_shown("it holds no records");
  return EvidenceFinding{
      true, fmt::format("{} holds two different records for {}{}", heads.front().key_name(),
                        first_key, e.records.size() > 1 ? ", and more such" : "")};
}

enum class Fit { kFits, kDoesNot, kUnknown };

Fit data_fit(const Checkpoint& head, const TileId& id, const std::string& bytes,
             std::span<const TileBytes> tiles) {
  RecordTexts texts;
  const std::uint64_t first = id.index * kTileWidth;
  bool readable = false;
  bool right = false;
  FileSource source(tiles);
  HeadTree tree(source, head);
  const auto expected = id.full() ? tree.entry(1, id.index) : Result<Hash>(internal_error(""));
  for (const Framing framing : {Framing::kBlankLines, Framing::kNumbered}) {
    if (!split_data_tile(bytes, first, id.width, framing, texts)) continue;
    readable = true;
    std::vector<Hash> leaves;
    for (std::uint32_t i = 0; i < id.width; ++i) leaves.push_back(leaf_hash(texts[i]));
    right = right || (expected && subtree_root(leaves) == *expected);
    if (!id.full()) {
      bool all = true;
      for (std::uint32_t i = 0; i < id.width; ++i) {
        const auto entry = tree.entry(0, first + i);
        if (!entry) return Fit::kUnknown;
        all = all && *entry == leaves[i];
      }
      right = right || all;
    }
  }
  if (!readable) return Fit::kDoesNot;
  if (right) return Fit::kFits;
  return id.full() && !expected ? Fit::kUnknown : Fit::kDoesNot;
}

// Whether the tiles that are said to be bad are those of this head.
Fit fit(const Evidence& e, const Checkpoint& head) {
  std::vector<TileBytes> all = e.bad_tiles;
  all.insert(all.end(), e.tiles.begin(), e.tiles.end());
  std::vector<TileId> wanted;
  for (const TileBytes& tile : e.bad_tiles) {
    const auto id = parse_tile_path(tile.path);
    if (!id || tile.bytes.empty()) return Fit::kUnknown;
    const std::uint32_t width = tile_width(std::max(id->level, 0), id->index, head.size());
    if (width < id->width && width == 0) return Fit::kUnknown;
    if (id->level == kDataLevel) return data_fit(head, *id, tile.bytes, e.tiles);
    wanted.push_back(*id);
  }
  FileSource source(all);
  HeadTree tree(source, head);
  const auto loaded = tree.load(wanted);
  if (loaded) return Fit::kFits;
  return find_bad_tiles(loaded.error()) != nullptr ? Fit::kDoesNot : Fit::kUnknown;
}

Result<EvidenceFinding> check_bad_tiles(const Evidence& e, const std::vector<Checkpoint>& heads) {
  if (e.bad_tiles.empty()) return not_shown("it holds no tiles");
  const Checkpoint* misfit = nullptr;
  bool unknown = false;
  for (const Checkpoint& head : heads) {
    const Fit f = fit(e, head);
    if (f == Fit::kDoesNot && misfit == nullptr) misfit = &head;
    unknown = unknown || f == Fit::kUnknown;
  }
  if (misfit == nullptr && !unknown) return not_shown("the tiles are those of every head in it");
  return EvidenceFinding{
      false, fmt::format("{} signed the head of {} records; {}, and who served them is not proven",
                         heads.front().key_name(),
                         misfit != nullptr ? misfit->size() : heads.back().size(),
                         misfit != nullptr ? "the tiles are not those of it"
                                           : "that the tiles are not those of it cannot be told "
                                             "from the file")};
}

}  // namespace

Result<Evidence> parse_evidence(const Json& document) {
  if (!document.is_object()) return malformed("no object");
  Evidence e;
  e.kind = text_of(document, "kind");
  e.message = text_of(document, "message");
  e.missing = text_of(document, "missing");
  if (e.kind.empty()) return malformed("it has no kind");
  for (const Json& note : list_of(document, "notes")) {
    e.notes.emplace_back(text_of(note, "what"), text_of(note, "note"));
  }
  if (e.notes.empty()) return malformed("it has no signed head");
  if (const auto roots = document.find("roots"); roots != document.end()) {
    const auto claimed = hash_of(text_of(*roots, "claimed"));
    const auto recomputed = hash_of(text_of(*roots, "recomputed"));
    if (!claimed || !recomputed) return malformed("a root is none");
    e.roots = Evidence::Roots{number_of(*roots, "size"), *claimed, *recomputed};
  }
  GW_TRY(e.tiles, parse_tiles(document, "tiles"));
  GW_TRY(e.other_tiles, parse_tiles(document, "other_tiles"));
  GW_TRY(e.bad_tiles, parse_tiles(document, "bad_tiles"));
  for (const Json& pair : list_of(document, "records")) {
    GW_TRY(ProvenRecord first, parse_record(pair, "first"));
    GW_TRY(ProvenRecord second, parse_record(pair, "second"));
    e.records.emplace_back(std::move(first), std::move(second));
  }
  return e;
}

Result<EvidenceFinding> check_evidence(const Json& document, const VerifierKey& key) {
  GW_TRY(const Evidence e, parse_evidence(document));
  const std::string about = text_of(document, "log_key");
  if (!about.empty() && about != key.format()) {
    return usage_error(
        fmt::format("the evidence is about the key {}, not {}", gw::quoted(about), key.format()));
  }
  std::vector<Checkpoint> heads;
  for (const auto& [what, note] : e.notes) {
    // The heads of both forms of log are alike.
    auto head = Checkpoint::open(note, key, kGoLog);
    if (!head) return std::move(head).error().in("the head " + what);
    heads.push_back(*std::move(head));
  }
  if (e.kind == "duplicate") return check_records(e, heads);
  if (auto fork = find_fork(e, heads)) return *std::move(fork);
  if (e.kind == "bad-tile") return check_bad_tiles(e, heads);
  return not_shown(fmt::format("its heads are not shown to be of two histories{}{}",
                               e.missing.empty() ? "" : "; it lacks ", e.missing));
}

}  // namespace gw::tlog
