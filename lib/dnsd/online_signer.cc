#include "dnsd/online_signer.h"

#include <algorithm>
#include <cstring>

#include "base/crypto.h"
#include "base/metrics.h"
#include "dns/dnssec.h"

namespace gw::dnsd {

namespace {

constexpr std::uint32_t kHour = 3600;

// When a signature should be made anew: with between a half and a quarter of its life left.
std::uint32_t renewal(const Signature& signature, std::uint64_t hash) {
  const std::uint32_t spread = static_cast<std::uint32_t>(hash >> 32) % (kSignatureLife / 4);
  return signature.expiration - kSignatureLife / 4 - spread;
}

dns::RrsigFields fields_of(const ZoneKey& key, const dns::SignRequest& request,
                           const Signature& signature) {
  return {.type_covered = request.rrset.type,
          .algorithm = key.algorithm(),
          .labels = static_cast<std::uint8_t>(dns::rrsig_labels(request.owner)),
          .original_ttl = request.rrset.ttl,
          .expiration = signature.expiration,
          .inception = signature.inception,
          .key_tag = key.tag(),
          .signer = request.origin};
}

}  // namespace

SigningContext::SigningContext(const Limits& limits)
    : cache_(limits.cache_bytes),
      udp_budget_(limits.udp_rate, limits.udp_rate / 10),
      tcp_budget_(limits.tcp_rate, limits.tcp_rate / 10) {
  random_bytes(hash_key_.data(), sizeof(hash_key_));
}

Result<dns::KeyId> SigningContext::add_key(std::shared_ptr<const ZoneKey> key) {
  // Fails here rather than in every worker.
  GW_TRY([[maybe_unused]] auto signer, key->signer());
  const MutexLock lock(mutex_);
  const dns::KeyId id = next_id_++;
  keys_.emplace_back(id, std::move(key));
  generation_.fetch_add(1);
  return id;
}

void SigningContext::remove_key(dns::KeyId id) {
  const MutexLock lock(mutex_);
  std::erase_if(keys_, [&](const auto& key) { return key.first == id; });
  generation_.fetch_add(1);
}

void OnlineSigner::begin(WallTime now, std::uint64_t now_us) {
  now_ = static_cast<std::uint32_t>(to_unix(now));
  now_us_ = now_us;
  clock_behind_ = context_.refuses(now);
  if (generation_ != context_.generation_.load(std::memory_order_acquire)) reload_keys();
}

void OnlineSigner::reload_keys() {
  const MutexLock lock(context_.mutex_);
  generation_ = context_.generation_.load();
  keys_.clear();
  for (const auto& [id, key] : context_.keys_) {
    auto signer = key->signer();
    // Without it the zone's signed answers are SERVFAIL, which says it loudly enough.
    if (signer) keys_.push_back({id, key, *std::move(signer)});
  }
}

OnlineSigner::Key* OnlineSigner::find_key(dns::KeyId id) {
  for (;;) {
    for (Key& key : keys_) {
      if (key.id == id) return &key;
    }
    // A content that was published within this batch has a key that came within it.
    if (generation_ == context_.generation_.load(std::memory_order_acquire)) return nullptr;
    reload_keys();
  }
}

bool OnlineSigner::make(Key& key, const dns::SignRequest& request, Signature& signature) {
  signature.inception = (now_ - kHour) / kHour * kHour;
  signature.expiration = signature.inception + kSignatureLife;
  std::array<char, dns::kMaxRrsig> prefix;
  const std::size_t size = dns::write_rrsig_prefix(fields_of(*key.key, request, signature), prefix);
  signed_data_.clear();
  dns::append_signed_data(signed_data_, {prefix.data(), size}, request.owner, request.rrset);
  return key.signer(signed_data_, signature.bytes.data());
}

dns::SignResult OnlineSigner::sign(const dns::SignRequest& request, std::span<char> out) {
  Key* key = find_key(request.key);
  if (key == nullptr || clock_behind_) {
    if (clock_behind_) {
      metric_add(Metric::kServeClockBehind);
      return {dns::SignStatus::kFailed, 0, dns::Ede::kNotReady, kClockBehind};
    }
    metric_add(Metric::kServeSignFailed);
    return {};
  }
  // One to one: fixed sizes, then the owner, which ends by itself, then the rest.
  std::array<char, 16 + 6> head;
  std::memcpy(head.data(), key->key->identity().data(), 16);
  dns::store_u16(head.data() + 16, request.rrset.type);
  dns::store_u32(head.data() + 18, request.rrset.ttl);
  cache_id_.assign(head.data(), head.size());
  cache_id_.append(request.owner).append(request.rrset.rdatas);
  const SignatureCache::Key id = siphash128(context_.hash_key_, cache_id_);

  Signature signature;
  bool usable = context_.cache_.find(id, signature) &&
                now_ + request.rrset.ttl + kHour < signature.expiration &&
                signature.inception <= now_;
  if (!usable || now_ >= renewal(signature, id[1])) {
    Budget& budget =
        transport_ == dns::Transport::kUdp ? context_.udp_budget_ : context_.tcp_budget_;
    if (budget.take(now_us_)) {
      if (!make(*key, request, signature)) {
        metric_add(Metric::kServeSignFailed);
        return {};
      }
      metric_add(Metric::kServeSignatures);
      context_.cache_.insert(id, signature, now_);
    } else if (!usable) {
      metric_add(Metric::kServeOverBudget);
      over_budget_ = true;
      return {.status = dns::SignStatus::kLater};
    }
  }
  const std::size_t size = dns::write_rrsig_prefix(fields_of(*key->key, request, signature), out);
  if (size == 0 || out.size() - size < signature.bytes.size()) return {};
  std::memcpy(out.data() + size, signature.bytes.data(), signature.bytes.size());
  return {.status = dns::SignStatus::kSigned, .size = size + signature.bytes.size()};
}

}  // namespace gw::dnsd
