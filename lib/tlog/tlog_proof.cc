#include "tlog/tlog_proof.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "tlog/hash.h"
#include "tlog/tree.h"

namespace gw::tlog {

namespace {

constexpr std::string_view kHead = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr std::size_t kMaxPath = 64;

Error not_a_proof(std::string_view what) {
  return untrusted_error(fmt::format("not a log's proof: {}", what));
}

Result<Hash> parse_hash(std::string_view text) {
  const auto bytes = decode_base64(text);
  if (!bytes || bytes->size() != Hash().size()) return not_a_proof("a hash");
  return hash_from_bytes(*bytes);
}

}  // namespace

std::string format_tlog_proof(const TlogProof& proof) {
  std::string out = fmt::format("{}\n", kHead);
  if (!proof.extra.empty()) out += fmt::format("{}{}\n", kExtra, encode_base64(proof.extra));
  out += fmt::format("{}{}\n", kIndex, proof.index);
  for (const Hash& hash : proof.path) out += fmt::format("{}\n", encode_base64(as_bytes(hash)));
  return fmt::format("{}\n{}", out, proof.checkpoint);
}

Result<TlogProof> parse_tlog_proof(std::string_view text) {
  if (text.size() > kMaxProofBytes) return not_a_proof("too long");
  if (take_line(text) != kHead) return not_a_proof("another first line");
  TlogProof out;
  std::string_view line = take_line(text);
  if (line.starts_with(kExtra)) {
    auto extra = decode_base64(line.substr(kExtra.size()));
    if (!extra || extra->empty()) return not_a_proof("the extra data");
    out.extra = *std::move(extra);
    line = take_line(text);
  }
  if (!line.starts_with(kIndex)) return not_a_proof("no index");
  const auto index = parse_decimal(line.substr(kIndex.size()));
  if (!index) return not_a_proof("the index");
  out.index = *index;
  while (!text.empty()) {
    line = take_line(text);
    if (line.empty()) break;
    GW_TRY(const Hash hash, parse_hash(line));
    if (out.path.size() >= kMaxPath) return not_a_proof("too many hashes");
    out.path.push_back(hash);
  }
  GW_TRY([[maybe_unused]] const auto note, parse_note(text));
  out.checkpoint = text;
  return out;
}

Result<std::uint64_t> verify_tlog_proof(const TlogProof& proof, std::string_view entry,
                                        const VerifierKey& key) {
  GW_TRY(std::string_view text, open_note(proof.checkpoint, key));
  if (take_line(text) != key.name()) return untrusted_error("a checkpoint of another log");
  const auto size = parse_decimal(take_line(text));
  GW_TRY(const Hash root, parse_hash(take_line(text)));
  if (!size || proof.index >= *size) return untrusted_error("the index is beyond the checkpoint");
  GW_CHECK(verify_inclusion(leaf_hash(entry), proof.index, *size, proof.path, root));
  return *size;
}

}  // namespace gw::tlog
