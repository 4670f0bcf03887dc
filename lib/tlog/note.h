// Signed notes: a text with signature lines, as the Go checksum database and C2SP logs sign heads.
//
// open_note() is the one place where a log's word is believed, so it is strict about everything:
// one malformed line rejects the note, also one of an unknown key. Sources: c2sp.org/signed-note,
// golang.org/x/mod/sumdb/note. Only Ed25519 is supported: algorithm 1 here, witnesses' timestamped
// signatures (4) in cosignature.h.
//
// Keys and notes are values; the functions are pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::tlog {

inline constexpr std::size_t kMaxNoteBytes = 64UL << 10U;
inline constexpr std::size_t kMaxSignatures = 100;

// What all keys are made of, whatever their algorithm.
inline constexpr std::uint8_t kAlgorithmEd25519 = 1;
struct KeyText {
  std::string name;
  std::uint32_t id = 0;
  std::string key;  // 32 bytes, without the algorithm
  bool operator==(const KeyText&) const = default;
};
// `NAME+HEXID+BASE64(algorithm || key)`; kUsage. Whether the id fits is not checked: that depends
// on what the key is.
Result<KeyText> parse_key_text(std::string_view text, std::uint8_t algorithm);
std::string format_key_text(const KeyText& key, std::uint8_t algorithm);
// A public key: the id must be the one of name and key. kUsage, naming it as `what`.
Result<KeyText> parse_public_key(std::string_view text, std::uint8_t algorithm,
                                 std::string_view what);
// The public key of a 32-byte seed. kUsage when the name is not allowed.
Result<KeyText> public_key_of(std::string_view name, std::string_view seed, std::uint8_t algorithm,
                              std::string_view what);
// A name that keys may have: not empty, UTF-8, no white space, no `+`.
bool is_key_name(std::string_view name);

// `NAME+HEXID+BASE64(algorithm || public key)`; the id must be the one of name and key.
class VerifierKey {
 public:
  static Result<VerifierKey> parse(std::string_view text);  // kUsage

  const std::string& name() const { return key_.name; }
  std::uint32_t id() const { return key_.id; }
  const std::string& public_key() const { return key_.key; }  // 32 bytes
  // The spelling that parse() takes.
  std::string format() const;
  bool operator==(const VerifierKey&) const = default;

 private:
  friend class SignerKey;
  KeyText key_;
};

// `PRIVATE+KEY+NAME+HEXID+BASE64(algorithm || seed)`.
class SignerKey {
 public:
  static Result<SignerKey> parse(std::string_view text);  // kUsage; never quotes the key
  // From a 32-byte seed. kUsage when the name is not allowed.
  static Result<SignerKey> from_seed(std::string_view name, std::string_view seed);

  const VerifierKey& verifier() const { return verifier_; }
  std::string format() const;
  // The whole signed note. Precondition: `text` is valid note text (ends in LF, UTF-8, no control
  // characters).
  std::string sign_note(std::string_view text) const;
  // One more signature line for a signed note.
  std::string signature_line(std::string_view text) const;

 private:
  KeyText seed_;  // under the public key's id
  VerifierKey verifier_;
};

struct NoteSignature {
  std::string_view name;
  std::uint32_t id = 0;
  std::string signature;  // without the key id
};
// A note taken apart, nothing verified. Views into the note.
struct UnverifiedNote {
  std::string_view text;  // with its last LF
  std::vector<NoteSignature> signatures;
};
// Form only: kUntrusted when it is not a well-formed signed note.
Result<UnverifiedNote> parse_note(std::string_view note);
// The first one that says to be by this key, the only one that counts; null when there is none.
const NoteSignature* find_signature(const UnverifiedNote& note, std::string_view name,
                                    std::uint32_t id);

// The verified text, a view into `note`. kUntrusted when the note is malformed, a signature by
// `key` is bad, or there is none by `key`.
Result<std::string_view> open_note(std::string_view note, const VerifierKey& key);

// With its last LF.
std::string format_signature_line(std::string_view name, std::uint32_t id,
                                  std::string_view signature);

// Key id: SHA-256(name || LF || algorithm || public key)[:4], big endian.
std::uint32_t key_id(std::string_view name, std::string_view algorithm_and_key);

}  // namespace gw::tlog
