// Cosignatures: a witness's word that a log's head is the largest it has seen, and consistent with
// all that it saw of that log before. Clients that ask for a number of them notice a log that tells
// two histories.
//
// A cosignature is a signature line of the checkpoint's note by a key of algorithm 4. Its bytes are
// a time (8 bytes, big endian, seconds since 1970) and an Ed25519 signature over
//   cosignature/v1\n
//   time SECONDS\n
//   the note's text
// Source: c2sp.org/tlog-cosignature (v1, Ed25519). They belong to `checkpoint`, never to a sumdb's
// `latest`. Whether a time is too old or in the future is for the caller to judge, with a clock.
//
// Keys are values; the functions are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "tlog/note.h"

namespace gw::tlog {

inline constexpr std::uint8_t kAlgorithmCosignature = 4;

// A witness's key: `NAME+HEXID+BASE64(4 || public key)`; the id must be the one of name and key.
class CosignerKey {
 public:
  static Result<CosignerKey> parse(std::string_view text);  // kUsage

  const std::string& name() const { return key_.name; }
  std::uint32_t id() const { return key_.id; }
  const std::string& public_key() const { return key_.key; }  // 32 bytes
  std::string format() const;
  bool operator==(const CosignerKey&) const = default;

 private:
  friend class Cosigner;
  KeyText key_;
};

// What a witness signs with. It must have checked that the head is consistent with all before.
class Cosigner {
 public:
  // From a 32-byte seed. kUsage when the name is not allowed.
  static Result<Cosigner> from_seed(std::string_view name, std::string_view seed);

  CosignerKey key() const;
  // The signature line for a note with this text. Precondition: the time is not before 1970.
  std::string signature_line(std::string_view text, WallTime time) const;

 private:
  CosignerKey key_;
  std::string seed_;
};

// A cosignature's bytes, behind the key id, taken apart; nothing verified.
struct Cosignature {
  WallTime time;
  std::string_view signature;  // 64 bytes
};
// Nothing when the length is another or the time does not fit 63 bits.
std::optional<Cosignature> parse_cosignature(std::string_view bytes);

// When `key` cosigned this note. kNotFound when it did not; kUntrusted when the note is malformed
// or the first signature by `key` is bad.
Result<WallTime> verify_cosignature(std::string_view note, const CosignerKey& key);

// The note with those of `lines` (signature lines, as a witness answers) that are by one of
// `witnesses`, each verified, in place of older ones by the same keys; lines by other keys are left
// out. kUntrusted when lines or note are malformed or a known witness's signature is bad.
Result<std::string> add_cosignatures(std::string_view note, std::string_view lines,
                                     std::span<const CosignerKey> witnesses);

}  // namespace gw::tlog
