// The cryptography every room shares: SHA-256, Ed25519, P-256 and secure random bytes.
//
// SHA-256 and P-256 are OpenSSL's (for short inputs its block function without the EVP layer);
// Ed25519 and random bytes are libsodium's. This header is the only door to both. All functions may
// be called from any thread; an object belongs to one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw {

using Hash = std::array<std::uint8_t, 32>;  // a SHA-256

inline std::string_view as_bytes(const Hash& h) {
  return {reinterpret_cast<const char*>(h.data()), h.size()};
}
// Precondition: bytes.size() == 32.
Hash hash_from_bytes(std::string_view bytes);

// Called once by main before anything else: keeps OpenSSL from loading a configuration, starts
// libsodium. Safe to call again. An error means that no random numbers can be had.
Status init_crypto();

// Incremental SHA-256; reusable after finish().
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  Sha256& update(std::string_view bytes);
  Hash finish();  // and starts anew

 private:
  void* ctx_;
};

Hash sha256(std::string_view bytes);
// SHA-256 of the concatenation: the hot path of the tlog, so without an allocation or a context.
Hash sha256(std::string_view a, std::string_view b);

void random_bytes(void* out, std::size_t n);
std::string random_bytes(std::size_t n);

// Ed25519 (RFC 8032). Keys are raw: 32-byte public key, 32-byte seed; signatures 64 bytes.
bool ed25519_verify(std::string_view public_key, std::string_view message, std::string_view sig);
std::string ed25519_public_key(std::string_view seed);
std::string ed25519_sign(std::string_view seed, std::string_view message);

// Ed25519 with the key expanded once: half the cost of ed25519_sign() for whoever signs much.
class Ed25519Signer {
 public:
  explicit Ed25519Signer(std::string_view seed);  // precondition: 32 bytes
  ~Ed25519Signer();
  Ed25519Signer(const Ed25519Signer&) = delete;
  Ed25519Signer& operator=(const Ed25519Signer&) = delete;

  // Writes 64 bytes to `out`. Any thread.
  bool sign(std::string_view message, std::uint8_t* out) const;

 private:
  std::array<std::uint8_t, 64> secret_;  // libsodium's form: the seed and the public key
};

// ECDSA P-256 with SHA-256 (DNSSEC algorithm 13, RFC 6605): raw 64-byte r||s signatures, public key
// 64 bytes x||y, private key the 32-byte scalar. sign() may be called by many threads, each through
// its own P256Signer.
class P256Signer {
 public:
  // An error when `scalar` is not 32 bytes or not a valid private key.
  static Result<P256Signer> from_scalar(std::string_view scalar);
  static Result<P256Signer> generate();

  P256Signer(P256Signer&&) noexcept;
  P256Signer& operator=(P256Signer&&) noexcept;
  ~P256Signer();

  std::string scalar() const;
  std::string public_key() const;
  // Writes 64 bytes to `out`; false when OpenSSL fails (no entropy, no memory).
  bool sign(std::string_view message, std::uint8_t* out) const;

 private:
  struct Impl;
  explicit P256Signer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};
bool p256_verify(std::string_view public_key, std::string_view message, std::string_view sig);

// Zeroes a secret that is needed no more, whatever the optimizer thinks of it.
void wipe(std::string& secret);

// SipHash-2-4 with a 128-bit result, keyed: for tables that hostile input fills. key: 16 bytes.
std::array<std::uint64_t, 2> siphash128(const std::array<std::uint64_t, 2>& key,
                                        std::string_view bytes);

}  // namespace gw
