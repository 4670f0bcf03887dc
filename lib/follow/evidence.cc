#include "follow/evidence.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/file.h"

namespace gw::follow {
namespace {

std::string base64(const Hash& h) { return encode_base64(as_bytes(h)); }

Json record_json(const ProvenRecord& r) {
  Json proof = Json::array();
  for (const Hash& h : r.proof) proof.push_back(base64(h));
  Json out = {{"number", r.number}, {"text", r.text}, {"inclusion_proof", std::move(proof)}};
  if (!r.proof_missing.empty()) out["proof_missing"] = r.proof_missing;
  return out;
}

void add_tiles(Json& out, const char* member, const std::vector<tlog::TileBytes>& tiles) {
  if (tiles.empty()) return;
  Json list = Json::array();
  for (const tlog::TileBytes& tile : tiles) {
    list.push_back({{"path", tile.path}, {"bytes", encode_base64(tile.bytes)}});
  }
  out[member] = std::move(list);
}

std::string tile_lines(const std::vector<tlog::TileBytes>& tiles, std::string_view what) {
  std::string out;
  for (const tlog::TileBytes& tile : tiles) {
    out += std::string(what) + tile.path + ": " + std::to_string(tile.bytes.size()) +
           " bytes, sha256 " + encode_hex(as_bytes(sha256(tile.bytes))) + "\n";
  }
  return out;
}

Json evidence_json(const Evidence& e, const std::string& log_key, WallTime now) {
  Json out = {{"kind", e.kind},
              {"message", e.message},
              {"time", format_rfc3339(now)},
              {"log_key", log_key}};
  out["notes"] = Json::array();
  for (const auto& [what, note] : e.notes) out["notes"].push_back({{"what", what}, {"note", note}});
  if (e.roots) {
    out["roots"] = {{"size", e.roots->size},
                    {"claimed", base64(e.roots->claimed)},
                    {"recomputed", base64(e.roots->recomputed)}};
  }
  add_tiles(out, "bad_tiles", e.bad_tiles);
  add_tiles(out, "tiles", e.tiles);
  if (!e.records.empty()) out["records"] = Json::array();
  for (const auto& [first, second] : e.records) {
    out["records"].push_back({{"first", record_json(first)}, {"second", record_json(second)}});
  }
  return out;
}

std::string compact_time(WallTime now) {
  std::string text = format_rfc3339(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

}  // namespace

Evidence equal_size_evidence(const store::Head& held, const tlog::Checkpoint& other,
                             const std::string& origin) {
  Evidence e;
  e.kind = "equal-size";
  e.message = "two signed heads of " + std::to_string(held.size) + " records have different roots";
  e.notes = {{"accepted " + format_rfc3339(held.accepted), held.note},
             {"from " + origin, other.note()}};
  e.roots = Evidence::Roots{held.size, held.root, other.root()};
  return e;
}

Evidence fork_evidence(const store::Head& held, const tlog::Checkpoint& other,
                       const tlog::HeadComparison& found, const std::string& origin) {
  Evidence e;
  e.kind = "fork";
  const std::uint64_t small = std::min(held.size, other.size());
  const std::uint64_t large = std::max(held.size, other.size());
  e.message = "the signed head of " + std::to_string(small) +
              " records is no prefix of the signed head of " + std::to_string(large) + " records";
  e.notes = {{"accepted " + format_rfc3339(held.accepted), held.note},
             {"from " + origin, other.note()}};
  e.roots = Evidence::Roots{found.size, found.claimed, found.recomputed};
  e.tiles = found.tiles;
  return e;
}

Evidence bad_tile_evidence(const std::optional<store::Head>& held, const tlog::Checkpoint& head,
                           const tlog::BadTiles& bad, const std::string& what) {
  Evidence e;
  e.kind = "bad-tile";
  e.message = what;
  if (held && (held->size != head.size() || held->root != head.root())) {
    e.notes.emplace_back("accepted " + format_rfc3339(held->accepted), held->note);
  }
  e.notes.emplace_back("head", head.note());
  e.bad_tiles = bad.tiles;
  e.tiles = bad.proof;
  return e;
}

std::string format_evidence(const Evidence& e, const std::string& path) {
  std::string out = "alarm: " + e.message + "\n";
  for (const auto& [what, note] : e.notes) out += "signed head, " + what + ":\n" + note;
  if (e.roots) {
    out += "root of the first " + std::to_string(e.roots->size) +
           " records\n  as signed or held  " + base64(e.roots->claimed) +
           "\n  as found now       " + base64(e.roots->recomputed) + "\n";
  }
  out += tile_lines(e.bad_tiles, "does not hash right: ");
  out += tile_lines(e.tiles, "");
  for (const auto& [first, second] : e.records) {
    for (const ProvenRecord* r : {&first, &second}) {
      out += "record " + std::to_string(r->number) + ":\n" + r->text + "  inclusion proof";
      for (const Hash& h : r->proof) out += " " + base64(h);
      if (!r->proof_missing.empty()) out += " not fetched: " + r->proof_missing;
      out += "\n";
    }
  }
  return out + "all of it is in " + path + "\n";
}

Result<std::string> save_evidence(const Evidence& evidence, const std::string& log_key,
                                  const std::string& db, WallTime now) {
  const std::string text =
      evidence_json(evidence, log_key, now).dump(1, ' ', false, Json::error_handler_t::replace) +
      "\n";
  const std::string base = db + ".alarm-" + compact_time(now);
  for (int i = 1;; i++) {
    std::string path = base + (i == 1 ? "" : "-" + std::to_string(i)) + ".json";
    auto status = create_file(path, text, 0644);
    if (status) return path;
    if (status.error().kind != ErrorKind::kUsage || i == 100) {
      return std::move(status).error().in("saving the evidence");
    }
  }
}

}  // namespace gw::follow
