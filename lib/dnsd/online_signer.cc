#include "dnsd/online_signer.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>

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
    : cache_(limits.cache_bytes), udp_budget_(0, 0), kept_budget_(0, 0), tcp_budget_(0, 0) {
  random_bytes(hash_key_.data(), sizeof(hash_key_));
  set_rates(limits.udp_rate, limits.tcp_rate);
}

void SigningContext::set_rates(std::uint32_t udp_rate, std::uint32_t tcp_rate) {
  const std::uint32_t kept = udp_rate / 4;
  const std::uint32_t others = udp_rate - kept;
  udp_budget_.set(others, others / 10);
  kept_budget_.set(kept, kept / 10);
  keeps_ = kept != 0;
  tcp_budget_.set(tcp_rate, tcp_rate / 10);
}

std::uint32_t SigningContext::measured_speed() {
  constexpr int kRounds = 4;
  constexpr std::int64_t kSignatures = 8;
  std::shared_ptr<const ZoneKey> key;
  {
    const MutexLock lock(mutex_);
    if (keys_.empty()) return 0;
    key = keys_.front().second;
  }
  auto signer = key->signer();
  if (!signer) return 0;
  // The best of some: others may have the processor meanwhile.
  Duration best = Duration::max();
  const std::string data(200, 'x');
  std::array<std::uint8_t, kSignatureSize> signature;
  for (int round = 0; round < kRounds; ++round) {
    const MonoTime begin = system_clock().mono();
    for (int i = 0; i < kSignatures; ++i) {
      if (!(*signer)(data, signature.data())) return 0;
    }
    best = std::min(best, system_clock().mono() - begin);
  }
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(best).count();
  return static_cast<std::uint32_t>(kSignatures * 1'000'000'000 / std::max<std::int64_t>(ns, 1));
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

bool OnlineSigner::take_budget(const std::array<std::uint64_t, 2>& id) {
  if (transport_ == dns::Transport::kTcp) return context_.tcp_budget_.take(now_us_);
  const bool again = context_.asked_.again(id);
  if (again && context_.keeps_ && context_.kept_budget_.take(now_us_)) return true;
  return context_.udp_budget_.take(now_us_);
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
  const bool usable = context_.cache_.find(id, signature) &&
                      now_ + request.rrset.ttl + kHour < signature.expiration &&
                      signature.inception <= now_;
  if (!usable || now_ >= renewal(signature, id[1])) {
    if (!usable && gate_ != nullptr && !gate_->may_sign(request)) {
      return {.status = dns::SignStatus::kLater};
    }
    if (take_budget(id)) {
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
