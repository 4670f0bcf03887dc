// A zone's signing key: made, kept on disk as BIND's tools keep theirs, and loaded.
//
// One key signs everything (a CSK, RFC 4034 flags 257), algorithm 13 (ECDSA P-256) or 15 (Ed25519).
// FILE holds the private half in BIND's private format; the public half, with the flags that the
// private format lacks, is beside it: FILE.key, or NAME.key for NAME.private. A key is never made
// but by create(): serving without one is an error, since a lost mount must not make the zone
// bogus.
//
// Immutable once loaded: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "dns/name.h"

namespace gw::dnsd {

// Signs the message: writes kSignatureSize octets to `out`; false when the library fails. One
// thread at a time, copies included.
using KeySigner = std::function<bool(std::string_view message, std::uint8_t* out)>;
inline constexpr std::size_t kSignatureSize = 64;  // of both algorithms

class ZoneKey {
 public:
  // Makes a key and writes both files, mode 0600 and 0644, never over existing ones; after an error
  // neither exists unless it did before. `zone`: a wire name, any case. kUsage: the algorithm, a
  // file that exists. kIo.
  static Result<ZoneKey> create(dns::NameView zone, std::uint8_t algorithm, const std::string& file,
                                WallTime now);
  // Reads FILE, and checks it against the public half when that is there. kUsage for a file that
  // does not exist (the hint is the command that makes one), is no such key, is one of another zone
  // or kind, or that others than its owner and its group may read. Errors quote nothing of it.
  static Result<ZoneKey> load(dns::NameView zone, const std::string& file);
  // The key with this secret: 32 octets. For tests and for load().
  static Result<ZoneKey> from_secret(dns::NameView zone, std::uint8_t algorithm,
                                     std::string_view secret);

  ZoneKey(ZoneKey&&) noexcept = default;
  ZoneKey& operator=(ZoneKey&&) noexcept = default;
  ~ZoneKey();

  dns::NameView zone() const { return zone_; }  // lower-cased
  std::uint8_t algorithm() const { return algorithm_; }
  std::uint16_t tag() const { return tag_; }
  const std::string& dnskey() const { return dnskey_; }  // rdata
  std::string ds() const;                                // rdata, digest type 2
  // "l.example.org. IN DS 12345 13 2 AB12…", for the parent.
  std::string ds_text() const;
  // Differs between any two keys, and between zones.
  const std::array<char, 16>& identity() const { return identity_; }

  Result<KeySigner> signer() const;

 private:
  ZoneKey() = default;

  std::string zone_;
  std::uint8_t algorithm_ = 0;
  std::uint16_t tag_ = 0;
  std::string secret_;
  std::string dnskey_;
  std::array<char, 16> identity_{};
};

// The file of the public half.
std::string public_key_file(const std::string& file);

}  // namespace gw::dnsd
