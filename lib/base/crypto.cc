#include "base/crypto.h"

// The plain SHA256_* functions are deprecated in OpenSSL 3, and stay for all of its life.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <cstring>

#include "base/table_hash.h"

namespace gw {

namespace {

const unsigned char* u8(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

SHA256_CTX* sha_context(void* ctx) { return static_cast<SHA256_CTX*>(ctx); }

}  // namespace

Hash hash_from_bytes(std::string_view bytes) {
  Hash h;
  if (bytes.size() != h.size()) std::abort();
  std::memcpy(h.data(), bytes.data(), h.size());
  return h;
}

Status init_crypto() {
  // Otherwise OPENSSL_CONF could name a shared object to load.
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) {
    return internal_error("OpenSSL does not start");
  }
  if (sodium_init() < 0) return internal_error("libsodium does not start");
  return {};
}

// Without EVP: that would load all of OpenSSL's algorithms, 80 kB for each of the processes of ours
// that sleep beside a service.
Sha256::Sha256() : ctx_(new SHA256_CTX) {
  if (SHA256_Init(sha_context(ctx_)) != 1) std::abort();
}
Sha256::~Sha256() { delete sha_context(ctx_); }

Sha256& Sha256::update(std::string_view bytes) {
  if (SHA256_Update(sha_context(ctx_), bytes.data(), bytes.size()) != 1) std::abort();
  return *this;
}

Hash Sha256::finish() {
  Hash h;
  if (SHA256_Final(h.data(), sha_context(ctx_)) != 1 || SHA256_Init(sha_context(ctx_)) != 1)
    std::abort();
  return h;
}

Hash sha256(std::string_view bytes) { return sha256(bytes, {}); }

// The block function behind EVP without its context handling, which costs as much as two blocks: on
// the short inputs of a Merkle tree that is half of the time.
Hash sha256(std::string_view a, std::string_view b) {
  SHA256_CTX ctx;
  Hash h;
  if (SHA256_Init(&ctx) != 1 || SHA256_Update(&ctx, a.data(), a.size()) != 1 ||
      SHA256_Update(&ctx, b.data(), b.size()) != 1 || SHA256_Final(h.data(), &ctx) != 1) {
    std::abort();
  }
  return h;
}

void random_bytes(void* out, std::size_t n) { randombytes_buf(out, n); }

std::string random_bytes(std::size_t n) {
  std::string out(n, '\0');
  random_bytes(out.data(), n);
  return out;
}

bool ed25519_verify(std::string_view public_key, std::string_view message, std::string_view sig) {
  return public_key.size() == crypto_sign_PUBLICKEYBYTES && sig.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(u8(sig), u8(message), message.size(), u8(public_key)) == 0;
}

namespace {

struct Ed25519Pair {
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> pk;
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> sk;
  explicit Ed25519Pair(std::string_view seed) {
    if (seed.size() != crypto_sign_SEEDBYTES) std::abort();
    crypto_sign_seed_keypair(pk.data(), sk.data(), u8(seed));
  }
  ~Ed25519Pair() { sodium_memzero(sk.data(), sk.size()); }
  Ed25519Pair(const Ed25519Pair&) = delete;
  Ed25519Pair& operator=(const Ed25519Pair&) = delete;
};

}  // namespace

std::string ed25519_public_key(std::string_view seed) {
  Ed25519Pair pair(seed);
  return {reinterpret_cast<const char*>(pair.pk.data()), pair.pk.size()};
}

std::string ed25519_sign(std::string_view seed, std::string_view message) {
  Ed25519Pair pair(seed);
  std::string sig(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(sig.data()), nullptr, u8(message),
                       message.size(), pair.sk.data());
  return sig;
}

Ed25519Signer::Ed25519Signer(std::string_view seed) {
  static_assert(sizeof(secret_) == crypto_sign_SECRETKEYBYTES);
  const Ed25519Pair pair(seed);
  std::memcpy(secret_.data(), pair.sk.data(), secret_.size());
}

Ed25519Signer::~Ed25519Signer() { sodium_memzero(secret_.data(), secret_.size()); }

bool Ed25519Signer::sign(std::string_view message, std::uint8_t* out) const {
  return crypto_sign_detached(out, nullptr, u8(message), message.size(), secret_.data()) == 0;
}

// ---- P-256 ----

namespace {

template <auto F>
struct Free {
  template <class T>
  void operator()(T* p) const {
    F(p);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Bn = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using Sig = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Group = std::unique_ptr<EC_GROUP, Free<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Free<EC_POINT_free>>;

// `point`: the uncompressed public point, 65 bytes; `scalar`: null for a public key.
Pkey make_pkey(std::string_view point, const BIGNUM* scalar) {
  const Builder bld(OSSL_PARAM_BLD_new());
  if (!bld ||
      OSSL_PARAM_BLD_push_utf8_string(bld.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(bld.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1 ||
      (scalar != nullptr &&
       OSSL_PARAM_BLD_push_BN(bld.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1)) {
    return nullptr;
  }
  const Params params(OSSL_PARAM_BLD_to_param(bld.get()));
  const PkeyCtx ctx(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* pkey = nullptr;
  if (!params || !ctx || EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
      EVP_PKEY_fromdata(ctx.get(), &pkey,
                        scalar != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                        params.get()) != 1) {
    return nullptr;
  }
  return Pkey(pkey);
}

}  // namespace

struct P256Signer::Impl {
  Pkey key;
  PkeyCtx ctx;  // ready to sign a digest
  std::string scalar;
  std::string public_key;
  ~Impl() { OPENSSL_cleanse(scalar.data(), scalar.size()); }
};

P256Signer::P256Signer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
P256Signer::P256Signer(P256Signer&&) noexcept = default;
P256Signer& P256Signer::operator=(P256Signer&&) noexcept = default;
P256Signer::~P256Signer() = default;

Result<P256Signer> P256Signer::from_scalar(std::string_view scalar) {
  if (scalar.size() != 32) return usage_error("a P-256 private key has 32 bytes");
  const Bn d(BN_bin2bn(u8(scalar), static_cast<int>(scalar.size()), nullptr));
  const Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  if (!d || !group) return internal_error("OpenSSL has no P-256");
  if (BN_is_zero(d.get()) || BN_cmp(d.get(), EC_GROUP_get0_order(group.get())) >= 0) {
    return usage_error("the P-256 private key is out of range");
  }
  const Point q(EC_POINT_new(group.get()));
  std::array<unsigned char, 65> point{};
  if (!q || EC_POINT_mul(group.get(), q.get(), d.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), q.get(), POINT_CONVERSION_UNCOMPRESSED, point.data(),
                         point.size(), nullptr) != point.size()) {
    return internal_error("OpenSSL cannot compute the P-256 public key");
  }
  const std::string_view point_bytes(reinterpret_cast<const char*>(point.data()), point.size());
  auto impl = std::make_unique<Impl>();
  impl->key = make_pkey(point_bytes, d.get());
  if (!impl->key) return internal_error("OpenSSL refuses the P-256 key");
  impl->ctx.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, impl->key.get(), nullptr));
  if (!impl->ctx || EVP_PKEY_sign_init(impl->ctx.get()) != 1) {
    return internal_error("OpenSSL cannot sign with P-256");
  }
  impl->scalar = std::string(scalar);
  impl->public_key = std::string(point_bytes.substr(1));
  return P256Signer(std::move(impl));
}

Result<P256Signer> P256Signer::generate() {
  for (;;) {  // a random 32-byte number is out of range about once in 2^32
    auto signer = from_scalar(random_bytes(32));
    if (signer || signer.error().kind != ErrorKind::kUsage) return signer;
  }
}

std::string P256Signer::scalar() const { return impl_->scalar; }
std::string P256Signer::public_key() const { return impl_->public_key; }

bool P256Signer::sign(std::string_view message, std::uint8_t* out) const {
  Hash digest = sha256(message);
  std::array<unsigned char, 80> der;
  std::size_t len = der.size();
  if (EVP_PKEY_sign(impl_->ctx.get(), der.data(), &len, digest.data(), digest.size()) != 1) {
    return false;
  }
  const unsigned char* p = der.data();
  const Sig sig(d2i_ECDSA_SIG(nullptr, &p, static_cast<long>(len)));
  return sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig.get()), out, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(sig.get()), out + 32, 32) == 32;
}

bool p256_verify(std::string_view public_key, std::string_view message, std::string_view sig) {
  if (public_key.size() != 64 || sig.size() != 64) return false;
  const Pkey key = make_pkey("\x04" + std::string(public_key), nullptr);
  const Sig s(ECDSA_SIG_new());
  Bn r(BN_bin2bn(u8(sig), 32, nullptr));
  Bn v(BN_bin2bn(u8(sig) + 32, 32, nullptr));
  if (!key || !s || !r || !v || ECDSA_SIG_set0(s.get(), r.release(), v.release()) != 1)
    return false;
  unsigned char* der = nullptr;
  const int len = i2d_ECDSA_SIG(s.get(), &der);
  if (len <= 0) return false;
  const PkeyCtx ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  Hash digest = sha256(message);
  const bool ok = ctx && EVP_PKEY_verify_init(ctx.get()) == 1 &&
                  EVP_PKEY_verify(ctx.get(), der, static_cast<std::size_t>(len), digest.data(),
                                  digest.size()) == 1;
  OPENSSL_free(der);
  return ok;
}

void wipe(std::string& secret) { sodium_memzero(secret.data(), secret.size()); }

std::array<std::uint64_t, 2> siphash128(const std::array<std::uint64_t, 2>& key,
                                        std::string_view bytes) {
  SipHash<2, 4> hash(key, bytes, 0xee);
  const std::uint64_t first = hash.first(0xee);
  return {first, hash.second()};
}

}  // namespace gw
