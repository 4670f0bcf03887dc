#include "tlog/cosignature.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/crypto.h"

namespace gw::tlog {

namespace {

constexpr std::size_t kSignatureBytes = 64;

std::string cosigned_message(WallTime time, std::string_view text) {
  std::string out = "cosignature/v1\ntime ";
  out += std::to_string(to_unix(time));
  out += '\n';
  out += text;
  return out;
}

bool is_by(const NoteSignature& sig, const CosignerKey& key) {
  return sig.name == key.name() && sig.id == key.id();
}

Result<WallTime> verify(std::string_view text, const NoteSignature& sig, const CosignerKey& key) {
  const auto parts = parse_cosignature(sig.signature);
  if (!parts ||
      !ed25519_verify(key.public_key(), cosigned_message(parts->time, text), parts->signature)) {
    return untrusted_error("bad cosignature by " + quoted(key.name()));
  }
  return parts->time;
}

}  // namespace

Result<CosignerKey> CosignerKey::parse(std::string_view text) {
  CosignerKey out;
  GW_TRY(out.key_, parse_public_key(text, kAlgorithmCosignature, "witness key"));
  return out;
}

std::string CosignerKey::format() const { return format_key_text(key_, kAlgorithmCosignature); }

Result<Cosigner> Cosigner::from_seed(std::string_view name, std::string_view seed) {
  Cosigner signer;
  GW_TRY(signer.key_.key_, public_key_of(name, seed, kAlgorithmCosignature, "witness key"));
  signer.seed_ = seed;
  return signer;
}

CosignerKey Cosigner::key() const { return key_; }

std::string Cosigner::signature_line(std::string_view text, WallTime time) const {
  std::string bytes;
  append_u64(bytes, static_cast<std::uint64_t>(to_unix(time)));
  bytes += ed25519_sign(seed_, cosigned_message(time, text));
  return format_signature_line(key_.name(), key_.id(), bytes);
}

std::optional<Cosignature> parse_cosignature(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto time = reader.u64();
  if (!time || *time > INT64_MAX || reader.remaining() != kSignatureBytes) return std::nullopt;
  return Cosignature{from_unix(static_cast<std::int64_t>(*time)), reader.rest()};
}

Result<WallTime> verify_cosignature(std::string_view note, const CosignerKey& key) {
  GW_TRY(const UnverifiedNote parsed, parse_note(note));
  const NoteSignature* sig = find_signature(parsed, key.name(), key.id());
  if (sig != nullptr) return verify(parsed.text, *sig, key);
  return not_found_error("no cosignature by " + quoted(key.name()));
}

Result<std::string> add_cosignatures(std::string_view note, std::string_view lines,
                                     std::span<const CosignerKey> witnesses) {
  GW_TRY(const UnverifiedNote old, parse_note(note));
  const std::string answer = fmt::format("{}\n{}", old.text, lines);
  GW_TRY(const UnverifiedNote added, parse_note(answer));
  if (added.text != old.text) return untrusted_error("cosignatures: not signature lines");
  std::vector<const NoteSignature*> good;
  for (const NoteSignature& sig : added.signatures) {
    for (const CosignerKey& key : witnesses) {
      const bool twice = std::any_of(good.begin(), good.end(),
                                     [&](const NoteSignature* g) { return is_by(*g, key); });
      if (!is_by(sig, key) || twice) continue;
      GW_CHECK(verify(old.text, sig, key));
      good.push_back(&sig);
    }
  }
  std::string out = std::string(old.text) + "\n";
  const auto put = [&](const NoteSignature& sig) {
    out += format_signature_line(sig.name, sig.id, sig.signature);
  };
  std::size_t count = good.size();
  for (const NoteSignature& sig : old.signatures) {
    const bool replaced = std::any_of(good.begin(), good.end(), [&](const NoteSignature* g) {
      return g->name == sig.name && g->id == sig.id;
    });
    if (replaced) continue;
    put(sig);
    ++count;
  }
  for (const NoteSignature* sig : good) put(*sig);
  if (count > kMaxSignatures) return untrusted_error("cosignatures: more than 100 signatures");
  return out;
}

}  // namespace gw::tlog
