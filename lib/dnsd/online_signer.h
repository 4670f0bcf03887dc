// RRSIGs made while the question waits, and kept (RFC 4034, RFC 4035).
//
// Each worker has an OnlineSigner of its own over one SigningContext: the keys, the shared cache,
// the budgets. What is signed is looked up by everything the signature covers but its times; a
// signature is made when there is none, when the one there has little life left, and never while
// the clock is behind the newest signed head, since then it is wrong by how much nobody knows.
//
// Times: valid for 14 days from an inception at least an hour back, rounded down to whole hours. A
// signature is renewed when between a half and a quarter of its life is left; where in between its
// own hash says, so that what was signed together does not expire together. Over the budget an old
// signature serves on while it is valid; it is never used within an hour and its TTL of expiry.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "dns/answer.h"
#include "dnsd/rate_limit.h"
#include "dnsd/signature_cache.h"
#include "dnsd/zone_key.h"

namespace gw::dnsd {

inline constexpr std::uint32_t kSignatureLife = 14 * 86400;  // seconds

// While this is so nothing is signed; told wherever somebody looks.
inline constexpr std::string_view kClockBehind =
    "the clock is behind the log's newest signed head: nothing is signed";

// What all workers' signers share. Any thread.
class SigningContext {
 public:
  struct Limits {
    std::size_t cache_bytes = std::size_t{48} << 20;
    std::uint32_t udp_rate = 0;  // fresh signatures a second for UDP; 0: no limit
    std::uint32_t tcp_rate = 0;  // and for TCP
  };
  explicit SigningContext(const Limits& limits);
  // Other rates, before anybody signs.
  void set_rates(std::uint32_t udp_rate, std::uint32_t tcp_rate);
  // How many signatures one processor makes in a second with the first of the keys; 0 when there is
  // none. Takes about a millisecond.
  std::uint32_t measured_speed();

  // From now on a zone's content may name this key as the one that signs it. kInternal when the
  // library cannot use it.
  Result<dns::KeyId> add_key(std::shared_ptr<const ZoneKey> key);
  // Precondition: no content that names it can be reached any more.
  void remove_key(dns::KeyId id);
  // Nothing is signed while the clock is before this (by more than a minute, which time daemons may
  // step).
  void set_not_before(WallTime t) { not_before_.store(to_unix(t), std::memory_order_relaxed); }
  WallTime not_before() const { return from_unix(not_before_.load(std::memory_order_relaxed)); }
  bool refuses(WallTime now) const {
    return to_unix(now) + kStep < not_before_.load(std::memory_order_relaxed);
  }

 private:
  friend class OnlineSigner;
  static constexpr std::int64_t kStep = 60;  // seconds
  using Keys = std::vector<std::pair<dns::KeyId, std::shared_ptr<const ZoneKey>>>;

  std::array<std::uint64_t, 2> hash_key_;
  SignatureCache cache_;
  Budget udp_budget_;
  Budget kept_budget_;  // of UDP's, for what was asked for before
  bool keeps_ = false;
  Budget tcp_budget_;
  AskedBefore asked_;
  std::atomic<std::int64_t> not_before_{0};
  std::atomic<std::uint64_t> generation_{1};
  Mutex mutex_;
  Keys keys_ GW_GUARDED_BY(mutex_);
  dns::KeyId next_id_ GW_GUARDED_BY(mutex_) = 1;
};

// Says whether an answer will be sent, before it costs a fresh signature.
class SignGate {
 public:
  virtual ~SignGate() = default;
  virtual bool may_sign(const dns::SignRequest& request) = 0;
};

class OnlineSigner final : public dns::RrsetSigner {
 public:
  // The context outlives it.
  explicit OnlineSigner(SigningContext& context) : context_(context) {}

  // Before each batch of queries.
  void begin(WallTime now, std::uint64_t now_us);
  // Before each query. `gate`: asked before a signature is made, if given; a refusal is as if the
  // budget were used up, without over_budget().
  void next_query(dns::Transport transport, SignGate* gate = nullptr) {
    transport_ = transport;
    gate_ = gate;
    over_budget_ = false;
  }
  // Whether the answer just made lacks a signature for want of budget: ask again a little later.
  bool over_budget() const { return over_budget_; }

  dns::SignResult sign(const dns::SignRequest& request, std::span<char> out) override;

 private:
  struct Key {
    dns::KeyId id;
    std::shared_ptr<const ZoneKey> key;
    KeySigner signer;
  };
  Key* find_key(dns::KeyId id);
  void reload_keys();
  bool take_budget(const std::array<std::uint64_t, 2>& id);
  bool make(Key& key, const dns::SignRequest& request, Signature& signature);

  SigningContext& context_;
  std::uint64_t generation_ = 0;
  std::vector<Key> keys_;
  std::uint32_t now_ = 0;
  std::uint64_t now_us_ = 0;
  bool clock_behind_ = false;
  dns::Transport transport_ = dns::Transport::kUdp;
  SignGate* gate_ = nullptr;
  bool over_budget_ = false;
  std::string signed_data_;  // reused, so that it stops allocating
  std::string cache_id_;
};

}  // namespace gw::dnsd
