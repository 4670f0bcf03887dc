#include "buildd/log_keys.h"

#include "base/crypto.h"
#include "base/text.h"
#include "os/file.h"
#include "os/secrets.h"

namespace gw::buildd {

namespace {

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kMaxFile = 4096;
constexpr std::string_view kDerive = "gwtool: key of the tlog-tiles dialect\n";

}  // namespace

Result<tlog::SignerKey> make_log_key(std::string_view name, const std::string& file) {
  std::string seed = random_bytes(kSeedBytes);
  auto key = tlog::SignerKey::from_seed(name, seed);
  wipe(seed);
  if (!key) return key;
  std::string text = key->format() + "\n";
  const Status created = os::create_file(file, text, 0600);
  wipe(text);
  if (!created) return created.error();
  return key;
}

Result<tlog::SignerKey> load_log_key(const std::string& file) {
  auto text = os::read_secret_file(file, kMaxFile, os::SecretUse::kOwner);
  if (!text) {
    if (text.error().kind != ErrorKind::kNotFound) return std::move(text).error();
    return usage_error(file + ": no such key", "make one: gwtool build genkey NAME --key FILE");
  }
  auto key = tlog::SignerKey::parse(trim(*text));
  wipe(*text);
  if (!key) return std::move(key).error().in(file);
  return key;
}

Result<tlog::SignerKey> checkpoint_key(const tlog::SignerKey& key) {
  std::string secret = std::string(kDerive) + key.format();
  const Hash seed = sha256(secret);
  wipe(secret);
  return tlog::SignerKey::from_seed(key.verifier().name() + "/tlog", as_bytes(seed));
}

}  // namespace gw::buildd
