// Signatures that were made already, shared by all workers without a lock.
//
// The problem: a signature costs twenty times what the rest of an answer costs, and the same few
// RRsets are asked for again and again, while a flood of random names brings RRsets that are never
// asked for again. The idea: a fixed table of buckets of seven; a bucket is guarded by a sequence
// number (a reader that saw it change treats that as a miss, a writer that finds it taken goes
// without), and eviction is piecemeal: within one bucket, the expired first, then what has not been
// hit since the hand last passed (CLOCK), so that a flood evicts itself.
//
// The key is a 128-bit SipHash, under a random key of this process, of everything that is signed
// but the times: zone and key identity, owner, class, type, TTL and the whole RRset. Who does not
// know the hash key cannot make two RRsets collide, and by accident it takes 2^64 of them; so equal
// keys mean equal signed data, and a signature can be neither stale nor foreign.
//
// Costs: 640 bytes a bucket, in pages that are touched when used; a hit reads three cache lines and
// copies 72 bytes. Any thread.
#pragma once

#include <array>
#include <cstdint>

namespace gw::dnsd {

struct Signature {
  std::uint32_t inception = 0;  // Unix seconds
  std::uint32_t expiration = 0;
  std::array<std::uint8_t, 64> bytes;
};

class SignatureCache {
 public:
  using Key = std::array<std::uint64_t, 2>;

  // At least one bucket.
  explicit SignatureCache(std::size_t bytes);
  ~SignatureCache();
  SignatureCache(const SignatureCache&) = delete;
  SignatureCache& operator=(const SignatureCache&) = delete;

  bool find(const Key& key, Signature& out) const;
  // Replaces the signature of an equal key. `now`: what has expired by then goes first. May do
  // nothing when another thread is writing to the bucket.
  void insert(const Key& key, const Signature& signature, std::uint32_t now);

  std::uint64_t capacity() const { return buckets_count_ * kWays; }

 private:
  static constexpr unsigned kWays = 7;
  static constexpr unsigned kWords = 8 + 2;  // signature, times, second half of the key
  struct Bucket;

  Bucket& bucket_of(const Key& key) const;
  static unsigned victim(Bucket& bucket, const Key& key, std::uint32_t now);

  std::size_t buckets_count_;
  Bucket* buckets_;
};

}  // namespace gw::dnsd
