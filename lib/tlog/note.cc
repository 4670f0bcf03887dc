#include "tlog/note.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/crypto.h"

namespace gw::tlog {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kIdBytes = 4;
constexpr std::string_view kSignerPrefix = "PRIVATE+KEY+";
constexpr std::string_view kSignaturePrefix = "\xe2\x80\x94 ";  // em dash, space

std::string with_algorithm(std::uint8_t algorithm, std::string_view key) {
  std::string out;
  append_u8(out, algorithm);
  out += key;
  return out;
}

std::string encode_id(std::uint32_t id) {
  std::string out;
  append_u32(out, id);
  return out;
}

}  // namespace

bool is_key_name(std::string_view name) {
  if (name.empty() || !is_utf8(name)) return false;
  for (; !name.empty(); take_rune(name)) {
    if (name.front() == '+' || space_size(name) != 0) return false;
  }
  return true;
}

Result<KeyText> parse_key_text(std::string_view text, std::uint8_t algorithm) {
  const std::size_t plus = text.find('+');
  const std::size_t second = plus == std::string_view::npos ? plus : text.find('+', plus + 1);
  if (second == std::string_view::npos) return usage_error("not of the form NAME+ID+KEY");
  KeyText parts{std::string(text.substr(0, plus)), 0, {}};
  auto id = decode_hex(text.substr(plus + 1, second - plus - 1));
  auto key = decode_base64(text.substr(second + 1));
  if (!is_key_name(parts.name)) return usage_error("bad key name");
  if (!id || id->size() != kIdBytes) return usage_error("the key id is not eight hex digits");
  if (!key || key->empty()) return usage_error("the key is not base64");
  if (static_cast<std::uint8_t>((*key)[0]) != algorithm) {
    return usage_error(algorithm == kAlgorithmEd25519
                           ? "the key's algorithm is not Ed25519"
                           : fmt::format("the key's algorithm is not {}", algorithm));
  }
  if (key->size() != 1 + kKeyBytes) return usage_error("the key is not 32 bytes long");
  parts.id = *ByteReader(*id).u32();
  parts.key = key->substr(1);
  return parts;
}

std::string format_key_text(const KeyText& key, std::uint8_t algorithm) {
  return fmt::format("{}+{}+{}", key.name, encode_hex(encode_id(key.id)),
                     encode_base64(with_algorithm(algorithm, key.key)));
}

std::string format_signature_line(std::string_view name, std::uint32_t id,
                                  std::string_view signature) {
  return fmt::format("{}{} {}\n", kSignaturePrefix, name,
                     encode_base64(encode_id(id) + std::string(signature)));
}

std::uint32_t key_id(std::string_view name, std::string_view algorithm_and_key) {
  Hash h = Sha256().update(name).update("\n").update(algorithm_and_key).finish();
  return *ByteReader(as_bytes(h)).u32();
}

Result<VerifierKey> VerifierKey::parse(std::string_view text) {
  auto parts = parse_key_text(text, kAlgorithmEd25519);
  if (!parts) return std::move(parts).error().in("verifier key " + quoted(text));
  if (parts->id != key_id(parts->name, with_algorithm(kAlgorithmEd25519, parts->key))) {
    return usage_error(
        fmt::format("verifier key {}: the id is not that of name and key", quoted(text)));
  }
  VerifierKey key;
  key.name_ = parts->name;
  key.id_ = parts->id;
  key.public_key_ = parts->key;
  return key;
}

std::string VerifierKey::format() const {
  return format_key_text({name_, id_, public_key_}, kAlgorithmEd25519);
}

Result<SignerKey> SignerKey::parse(std::string_view text) {
  if (!text.starts_with(kSignerPrefix)) {
    return usage_error("signer key: does not start with " + std::string(kSignerPrefix));
  }
  auto parts = parse_key_text(text.substr(kSignerPrefix.size()), kAlgorithmEd25519);
  if (!parts) return std::move(parts).error().in("signer key");
  GW_TRY(SignerKey key, from_seed(parts->name, parts->key));
  if (key.id_ != parts->id) return usage_error("signer key: the id is not that of name and key");
  return key;
}

Result<SignerKey> SignerKey::from_seed(std::string_view name, std::string_view seed) {
  if (!is_key_name(name)) return usage_error("bad key name " + quoted(name));
  if (seed.size() != kKeyBytes) return usage_error("signer key: the seed is not 32 bytes long");
  SignerKey key;
  key.name_ = name;
  key.seed_ = seed;
  key.id_ = key_id(name, with_algorithm(kAlgorithmEd25519, ed25519_public_key(seed)));
  return key;
}

VerifierKey SignerKey::verifier() const {
  VerifierKey key;
  key.name_ = name_;
  key.id_ = id_;
  key.public_key_ = ed25519_public_key(seed_);
  return key;
}

std::string SignerKey::format() const {
  return std::string(kSignerPrefix) + format_key_text({name_, id_, seed_}, kAlgorithmEd25519);
}

std::string SignerKey::signature_line(std::string_view text) const {
  return format_signature_line(name_, id_, ed25519_sign(seed_, text));
}

std::string SignerKey::sign_note(std::string_view text) const {
  return fmt::format("{}\n{}", text, signature_line(text));
}

namespace {

Result<NoteSignature> parse_signature_line(std::string_view line) {
  if (!line.starts_with(kSignaturePrefix)) return untrusted_error("malformed signature line");
  line.remove_prefix(kSignaturePrefix.size());
  std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return untrusted_error("malformed signature line");
  NoteSignature sig;
  sig.name = line.substr(0, space);
  if (!is_key_name(sig.name)) return untrusted_error("bad key name in a signature line");
  auto bytes = decode_base64(line.substr(space + 1));
  if (!bytes || bytes->size() <= kIdBytes) {
    return untrusted_error("malformed signature by " + quoted(sig.name));
  }
  sig.id = *ByteReader(*bytes).u32();
  sig.signature = bytes->substr(kIdBytes);
  return sig;
}

}  // namespace

Result<UnverifiedNote> parse_note(std::string_view note) {
  if (note.size() > kMaxNoteBytes) return untrusted_error("signed note: too long");
  if (!is_utf8(note)) return untrusted_error("signed note: not UTF-8");
  for (char c : note) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') {
      return untrusted_error("signed note: control character");
    }
  }
  std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos) return untrusted_error("signed note: no signatures");
  UnverifiedNote out{note.substr(0, blank + 1), {}};
  std::string_view rest = note.substr(blank + 2);
  if (rest.empty() || rest.back() != '\n') {
    return untrusted_error("signed note: does not end in a signature line");
  }
  while (!rest.empty()) {
    if (out.signatures.size() == kMaxSignatures) {
      return untrusted_error("signed note: more than 100 signatures");
    }
    auto sig = parse_signature_line(take_line(rest));
    if (!sig) return std::move(sig).error().in("signed note");
    out.signatures.push_back(*std::move(sig));
  }
  return out;
}

Result<std::string_view> open_note(std::string_view note, const VerifierKey& key) {
  GW_TRY(UnverifiedNote parsed, parse_note(note));
  for (const NoteSignature& sig : parsed.signatures) {
    if (sig.name != key.name() || sig.id != key.id()) continue;
    if (!ed25519_verify(key.public_key(), parsed.text, sig.signature)) {
      return untrusted_error("signed note: bad signature by " + quoted(key.name()));
    }
    return parsed.text;  // a second signature by the same key does not count
  }
  return untrusted_error(fmt::format("signed note: no signature by {} with key id {}",
                                     quoted(key.name()), encode_hex(encode_id(key.id()))));
}

}  // namespace gw::tlog
