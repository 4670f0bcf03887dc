#include "tlog/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/bytes.h"
#include "os/file.h"

namespace gw::tlog {
namespace {

std::string base64(const Hash& h) { return encode_base64(as_bytes(h)); }

Json record_json(const ProvenRecord& r) {
  Json proof = Json::array();
  for (const Hash& h : r.proof) proof.push_back(base64(h));
  Json out = {{"number", r.number}, {"text", r.text}, {"inclusion_proof", std::move(proof)}};
  if (!r.proof_missing.empty()) out["proof_missing"] = r.proof_missing;
  return out;
}

void add_tiles(Json& out, const char* member, const std::vector<TileBytes>& tiles) {
  if (tiles.empty()) return;
  Json list = Json::array();
  for (const TileBytes& tile : tiles) {
    list.push_back({{"path", tile.path}, {"bytes", encode_base64(tile.bytes)}});
  }
  out[member] = std::move(list);
}

std::string tile_lines(const std::vector<TileBytes>& tiles, std::string_view what,
                       bool with_bytes) {
  std::string out;
  for (const TileBytes& tile : tiles) {
    out += fmt::format("{}{}: {} bytes, sha256 {}\n", what, tile.path, tile.bytes.size(),
                       encode_hex(as_bytes(sha256(tile.bytes))));
    if (with_bytes) out += fmt::format("  base64 {}\n", encode_base64(tile.bytes));
  }
  return out;
}

std::string compact_time(WallTime now) {
  std::string text = format_rfc3339(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

}  // namespace

Evidence fork_evidence(SeenHead a, SeenHead b, const HeadComparison& found) {
  Evidence e;
  if (a.size == b.size) {
    e.kind = "equal-size";
    e.message = fmt::format("two signed heads of {} records have different roots", a.size);
  } else {
    e.kind = "fork";
    e.message =
        fmt::format("the signed head of {} records is no prefix of the signed head of {} records",
                    std::min(a.size, b.size), std::max(a.size, b.size));
  }
  e.notes = {{std::move(a.what), std::move(a.note)}, {std::move(b.what), std::move(b.note)}};
  e.roots = Evidence::Roots{found.size, found.claimed, found.recomputed};
  e.tiles = found.tiles;
  return e;
}

Evidence bad_tile_evidence(std::vector<SeenHead> heads, const BadTiles& bad) {
  Evidence e;
  e.kind = "bad-tile";
  e.message = bad.what;
  for (SeenHead& head : heads) e.notes.emplace_back(std::move(head.what), std::move(head.note));
  e.bad_tiles = bad.tiles;
  e.tiles = bad.proof;
  return e;
}

Error contradiction_error(Evidence evidence) {
  Error error =
      untrusted_error(evidence.message, "keep the evidence and tell others who use the log");
  error.detail = std::make_shared<Contradiction>(std::move(evidence));
  return error;
}

const Contradiction* find_contradiction(const Error& error) {
  return dynamic_cast<const Contradiction*>(error.detail.get());
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
  add_tiles(out, "other_tiles", e.other_tiles);
  if (!e.missing.empty()) out["missing"] = e.missing;
  if (!e.records.empty()) out["records"] = Json::array();
  for (const auto& [first, second] : e.records) {
    out["records"].push_back({{"first", record_json(first)}, {"second", record_json(second)}});
  }
  return out;
}

std::string format_evidence(const Evidence& e, const std::optional<std::string>& path) {
  std::string out = fmt::format("alarm: {}\n", e.message);
  for (const auto& [what, note] : e.notes) out += fmt::format("signed head, {}:\n{}", what, note);
  if (e.roots) {
    out += fmt::format(
        "root of the first {} records\n  as signed or held  {}\n  as found now       {}\n",
        e.roots->size, base64(e.roots->claimed), base64(e.roots->recomputed));
  }
  out += tile_lines(e.bad_tiles, "does not hash right: ", !path);
  out += tile_lines(e.tiles, "", !path);
  out += tile_lines(e.other_tiles, "of the older head: ", !path);
  for (const auto& [first, second] : e.records) {
    for (const ProvenRecord* r : {&first, &second}) {
      out += fmt::format("record {}:\n{}  inclusion proof", r->number, r->text);
      for (const Hash& h : r->proof) out += " " + base64(h);
      if (!r->proof_missing.empty()) out += " not fetched: " + r->proof_missing;
      out += "\n";
    }
  }
  if (!e.missing.empty()) out += fmt::format("not to be had: {}\n", e.missing);
  if (path) out += fmt::format("all of it is in {}\n", *path);
  return out;
}

Result<std::string> save_evidence(const Json& document, const std::string& base, WallTime now) {
  const std::string text = format_json_lines(document);
  const std::string stem = fmt::format("{}-{}", base, compact_time(now));
  for (int i = 1;; ++i) {
    std::string path = fmt::format("{}{}.json", stem, i == 1 ? "" : fmt::format("-{}", i));
    auto status = os::create_file(path, text, 0644);
    if (status) return path;
    if (status.error().kind != ErrorKind::kUsage || i == 100) {
      return std::move(status).error().in("saving the evidence");
    }
  }
}

}  // namespace gw::tlog
