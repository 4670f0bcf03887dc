#include "dnsd/zone_key.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"
#include "dns/dnssec.h"
#include "dns/presentation.h"
#include "dns/types.h"
#include "dns/wire.h"
#include "os/file.h"
#include "os/secrets.h"

namespace gw::dnsd {

namespace {

constexpr std::size_t kMaxKeyFile = 64 << 10;
constexpr std::uint32_t kKeyTtl = 3600;
constexpr std::size_t kSecretSize = 32;

// A KeySigner may be copied, its key not.
template <typename Signer>
KeySigner key_signer(std::shared_ptr<const Signer> signer) {
  return [signer = std::move(signer)](std::string_view message, std::uint8_t* out) {
    return signer->sign(message, out);
  };
}

Status check_public_half(const ZoneKey& key, const std::string& file) {
  auto text = os::read_regular_file(file, kMaxKeyFile);
  if (!text) {
    if (text.error().kind == ErrorKind::kNotFound) return {};
    return std::move(text).error();
  }
  auto parsed = dns::parse_public_key(*text);
  if (!parsed) return std::move(parsed).error().in(file);
  if (dns::lower_name(parsed->owner) != key.zone()) {
    return usage_error(fmt::format("{}: the key belongs to zone {}, not {}", file,
                                   dns::format_name(parsed->owner), dns::format_name(key.zone())));
  }
  if (parsed->dnskey == key.dnskey()) return {};
  if (parsed->dnskey.size() == key.dnskey().size() &&
      parsed->dnskey.substr(2) == key.dnskey().substr(2)) {
    return usage_error(fmt::format("{}: the key's flags are {}, not 257 (a key that signs all)",
                                   file, dns::load_u16(parsed->dnskey.data())));
  }
  return usage_error(file + ": not the public half of the private key beside it");
}

}  // namespace

std::string public_key_file(const std::string& file) {
  constexpr std::string_view kPrivate = ".private";
  if (file.ends_with(kPrivate)) return file.substr(0, file.size() - kPrivate.size()) + ".key";
  return file + ".key";
}

ZoneKey::~ZoneKey() { wipe(secret_); }

Result<ZoneKey> ZoneKey::from_secret(dns::NameView zone, std::uint8_t algorithm,
                                     std::string_view secret) {
  ZoneKey key;
  key.zone_ = dns::lower_name(zone);
  key.algorithm_ = algorithm;
  key.secret_ = std::string(secret);
  std::string public_key;
  if (secret.size() != kSecretSize) return usage_error("a private key has 32 bytes");
  if (algorithm == dns::algorithm::kEcdsaP256) {
    GW_TRY(auto signer, P256Signer::from_scalar(secret));
    public_key = signer.public_key();
  } else if (algorithm == dns::algorithm::kEd25519) {
    public_key = ed25519_public_key(secret);
  } else {
    return usage_error(fmt::format("algorithm {} is not known: 13 (ECDSA P-256) or 15 (Ed25519)",
                                   unsigned{algorithm}));
  }
  key.dnskey_ = dns::dnskey_rdata(dns::kDnskeyFlagsCsk, algorithm, public_key);
  key.tag_ = dns::key_tag(key.dnskey_);
  const Hash digest = sha256(key.zone_, key.dnskey_);
  std::memcpy(key.identity_.data(), digest.data(), key.identity_.size());
  return key;
}

Result<ZoneKey> ZoneKey::create(dns::NameView zone, std::uint8_t algorithm, const std::string& file,
                                WallTime now) {
  std::string secret = random_bytes(kSecretSize);
  if (algorithm == dns::algorithm::kEcdsaP256) {
    GW_TRY(auto signer, P256Signer::generate());
    secret = signer.scalar();
  }
  auto made = from_secret(zone, algorithm, secret);
  wipe(secret);
  if (!made) return std::move(made).error();
  ZoneKey key = *std::move(made);
  const std::string public_file = public_key_file(file);
  for (const std::string& existing : {file, public_file}) {
    if (os::file_exists(existing)) {
      return usage_error(existing + " exists already",
                         "a key is never overwritten: move it away, or name another file");
    }
  }
  std::string text = dns::format_private_key({algorithm, key.secret_}, now);
  Status made_private = os::create_file(file, text, 0600);
  wipe(text);
  GW_CHECK(std::move(made_private));
  Status made_public =
      os::create_file(public_file, dns::format_public_key({key.zone_, key.dnskey_}, kKeyTtl), 0644);
  if (!made_public) {
    ::unlink(file.c_str());
    return std::move(made_public).error();
  }
  return key;
}

Result<ZoneKey> ZoneKey::load(dns::NameView zone, const std::string& file) {
  auto text = os::read_secret_file(file, kMaxKeyFile, os::SecretUse::kGroup);
  if (!text) {
    Error error = std::move(text).error();
    if (error.kind == ErrorKind::kNotFound) {
      error = usage_error(
          fmt::format("the signing key {} does not exist", file),
          fmt::format("restore it, or for a new zone run: gwtool serve-dns key new --zone {} "
                      "--key {}",
                      dns::format_host(zone), file));
    }
    return error;
  }
  auto parsed = dns::parse_private_key(*text);
  wipe(*text);
  if (!parsed) return std::move(parsed).error().in(file);
  auto key = from_secret(zone, parsed->algorithm, parsed->secret);
  wipe(parsed->secret);
  if (!key) return std::move(key).error().in(file);
  GW_CHECK(check_public_half(*key, public_key_file(file)));
  return key;
}

std::string ZoneKey::ds() const { return dns::ds_rdata(zone_, dnskey_); }

std::string ZoneKey::ds_text() const {
  std::string digest = encode_hex(std::string_view(ds()).substr(4));
  for (char& c : digest) c = to_upper(c);
  return fmt::format("{} IN DS {} {} 2 {}", dns::format_name(zone_), tag_, unsigned{algorithm_},
                     digest);
}

Result<KeySigner> ZoneKey::signer() const {
  if (algorithm_ == dns::algorithm::kEd25519) {
    return key_signer(std::make_shared<const Ed25519Signer>(secret_));
  }
  GW_TRY(auto signer, P256Signer::from_scalar(secret_));
  return key_signer(std::make_shared<const P256Signer>(std::move(signer)));
}

}  // namespace gw::dnsd
