#include "tlog/note.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"

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
  const Hash h = Sha256().update(name).update("\n").update(algorithm_and_key).finish();
  return *ByteReader(as_bytes(h)).u32();
}

Result<KeyText> parse_public_key(std::string_view text, std::uint8_t algorithm,
                                 std::string_view what) {
  auto key = parse_key_text(text, algorithm);
  if (!key) return std::move(key).error().in(fmt::format("{} {}", what, quoted(text)));
  if (key->id != key_id(key->name, with_algorithm(algorithm, key->key))) {
    return usage_error(
        fmt::format("{} {}: the id is not that of name and key", what, quoted(text)));
  }
  return key;
}

Result<KeyText> public_key_of(std::string_view name, std::string_view seed, std::uint8_t algorithm,
                              std::string_view what) {
  if (!is_key_name(name)) return usage_error("bad key name " + quoted(name));
  if (seed.size() != kKeyBytes) {
    return usage_error(fmt::format("{}: the seed is not 32 bytes long", what));
  }
  KeyText out{std::string(name), 0, ed25519_public_key(seed)};
  out.id = key_id(name, with_algorithm(algorithm, out.key));
  return out;
}

Result<VerifierKey> VerifierKey::parse(std::string_view text) {
  VerifierKey out;
  GW_TRY(out.key_, parse_public_key(text, kAlgorithmEd25519, "verifier key"));
  return out;
}

std::string VerifierKey::format() const { return format_key_text(key_, kAlgorithmEd25519); }

Result<SignerKey> SignerKey::parse(std::string_view text) {
  if (!text.starts_with(kSignerPrefix)) {
    return usage_error("signer key: does not start with " + std::string(kSignerPrefix));
  }
  auto parts = parse_key_text(text.substr(kSignerPrefix.size()), kAlgorithmEd25519);
  if (!parts) return std::move(parts).error().in("signer key");
  GW_TRY(SignerKey key, from_seed(parts->name, parts->key));
  if (key.seed_.id != parts->id) {
    return usage_error("signer key: the id is not that of name and key");
  }
  return key;
}

Result<SignerKey> SignerKey::from_seed(std::string_view name, std::string_view seed) {
  SignerKey key;
  GW_TRY(key.verifier_.key_, public_key_of(name, seed, kAlgorithmEd25519, "signer key"));
  key.seed_ = {std::string(name), key.verifier_.id(), std::string(seed)};
  return key;
}

std::string SignerKey::format() const {
  return std::string(kSignerPrefix) + format_key_text(seed_, kAlgorithmEd25519);
}

std::string SignerKey::signature_line(std::string_view text) const {
  return format_signature_line(seed_.name, seed_.id, ed25519_sign(seed_.key, text));
}

std::string SignerKey::sign_note(std::string_view text) const {
  return fmt::format("{}\n{}", text, signature_line(text));
}

namespace {

Result<NoteSignature> parse_signature_line(std::string_view line) {
  if (!line.starts_with(kSignaturePrefix)) return untrusted_error("malformed signature line");
  line.remove_prefix(kSignaturePrefix.size());
  const std::size_t space = line.find(' ');
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
  for (const char c : note) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') {
      return untrusted_error("signed note: control character");
    }
  }
  const std::size_t blank = note.rfind("\n\n");
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

const NoteSignature* find_signature(const UnverifiedNote& note, std::string_view name,
                                    std::uint32_t id) {
  const auto found =
      std::find_if(note.signatures.begin(), note.signatures.end(),
                   [&](const NoteSignature& s) { return s.name == name && s.id == id; });
  return found == note.signatures.end() ? nullptr : &*found;
}

Result<std::string_view> open_note(std::string_view note, const VerifierKey& key) {
  GW_TRY(const UnverifiedNote parsed, parse_note(note));
  const NoteSignature* sig = find_signature(parsed, key.name(), key.id());
  if (sig == nullptr) {
    return untrusted_error(fmt::format("signed note: no signature by {} with key id {}",
                                       quoted(key.name()), encode_hex(encode_id(key.id()))));
  }
  if (!ed25519_verify(key.public_key(), parsed.text, sig->signature)) {
    return untrusted_error("signed note: bad signature by " + quoted(key.name()));
  }
  return parsed.text;
}

}  // namespace gw::tlog
