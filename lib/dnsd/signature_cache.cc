#include "dnsd/signature_cache.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "os/pages.h"

namespace gw::dnsd {

// Every word is an atomic: a reader may race with a writer, and then throws away what it read. The
// first cache line alone decides whether a key is here.
struct alignas(64) SignatureCache::Bucket {
  std::atomic<std::uint32_t> sequence;                 // odd while it is being written
  std::atomic<std::uint32_t> hit;                      // bit i: way i was hit since the hand passed
  std::array<std::atomic<std::uint64_t>, kWays> keys;  // first halves; 0: empty
  struct Way {
    std::array<std::atomic<std::uint64_t>, kWords> words;
  };
  std::array<Way, kWays> ways;
};

namespace {

// An empty way has a key of 0, which no real key may be.
std::uint64_t first_half(const SignatureCache::Key& key) { return key[0] == 0 ? 1 : key[0]; }

}  // namespace

SignatureCache::SignatureCache(std::size_t bytes) {
  static_assert(sizeof(Bucket) == 640);
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  buckets_count_ = std::max<std::size_t>(bytes / sizeof(Bucket), 1);
  // Zero bytes are empty buckets.
  buckets_ = static_cast<Bucket*>(os::map_pages(buckets_count_ * sizeof(Bucket)));
}

SignatureCache::~SignatureCache() { os::unmap_pages(buckets_, buckets_count_ * sizeof(Bucket)); }

// The bucket of a key: its second half scaled to their number.
SignatureCache::Bucket& SignatureCache::bucket_of(const Key& key) const {
  return buckets_[static_cast<std::size_t>(
      (static_cast<unsigned __int128>(key[1]) * buckets_count_) >> 64)];
}

bool SignatureCache::find(const Key& key, Signature& out) const {
  Bucket& bucket = bucket_of(key);
  const std::uint32_t before = bucket.sequence.load(std::memory_order_acquire);
  if ((before & 1) != 0) return false;
  const std::uint64_t first = first_half(key);
  for (unsigned i = 0; i < kWays; ++i) {
    if (bucket.keys[i].load(std::memory_order_acquire) != first) continue;
    std::array<std::uint64_t, kWords> words;
    // Acquire, so that the sequence is read again after all of them.
    for (unsigned w = 0; w < kWords; ++w) {
      words[w] = bucket.ways[i].words[w].load(std::memory_order_acquire);
    }
    if (bucket.sequence.load(std::memory_order_relaxed) != before || words[9] != key[1]) {
      return false;
    }
    std::memcpy(out.bytes.data(), words.data(), out.bytes.size());
    out.inception = static_cast<std::uint32_t>(words[8] >> 32);
    out.expiration = static_cast<std::uint32_t>(words[8]);
    const std::uint32_t bit = 1U << i;
    if ((bucket.hit.load(std::memory_order_relaxed) & bit) == 0) {
      bucket.hit.fetch_or(bit, std::memory_order_relaxed);
    }
    return true;
  }
  return false;
}

// The way to write to: the same key's, else an empty one, an expired one, one that was not hit.
unsigned SignatureCache::victim(Bucket& bucket, const Key& key, std::uint32_t now) {
  unsigned expired = kWays;
  unsigned empty = kWays;
  for (unsigned i = 0; i < kWays; ++i) {
    const std::uint64_t first = bucket.keys[i].load(std::memory_order_relaxed);
    if (first == first_half(key) && bucket.ways[i].words[9].load() == key[1]) return i;
    if (first == 0) {
      empty = i;
    } else if (static_cast<std::uint32_t>(bucket.ways[i].words[8].load()) <= now) {
      expired = i;
    }
  }
  if (empty != kWays) return empty;
  if (expired != kWays) return expired;
  const unsigned hand = (key[0] >> 32) % kWays;
  const std::uint32_t hit = bucket.hit.load(std::memory_order_relaxed);
  for (unsigned i = 0; i < kWays; ++i) {
    const unsigned way = (hand + i) % kWays;
    if ((hit & (1U << way)) == 0) return way;
  }
  bucket.hit.store(0, std::memory_order_relaxed);
  return hand;
}

void SignatureCache::insert(const Key& key, const Signature& signature, std::uint32_t now) {
  Bucket& bucket = bucket_of(key);
  std::uint32_t sequence = bucket.sequence.load(std::memory_order_relaxed);
  if ((sequence & 1) != 0 ||
      !bucket.sequence.compare_exchange_strong(sequence, sequence + 1, std::memory_order_acquire)) {
    return;
  }
  const unsigned way = victim(bucket, key, now);
  std::array<std::uint64_t, kWords> words;
  std::memcpy(words.data(), signature.bytes.data(), signature.bytes.size());
  words[8] = (std::uint64_t{signature.inception} << 32) | signature.expiration;
  words[9] = key[1];
  // Release, so that no reader sees new words under the old sequence.
  bucket.keys[way].store(first_half(key), std::memory_order_release);
  for (unsigned w = 0; w < kWords; ++w) {
    bucket.ways[way].words[w].store(words[w], std::memory_order_release);
  }
  bucket.hit.fetch_and(~(1U << way), std::memory_order_relaxed);
  bucket.sequence.store(sequence + 2, std::memory_order_release);
}

}  // namespace gw::dnsd
