// A Merkle tree without its leaves: the frontier, and proofs from it (RFC 6962 section 2.1).
//
// A Frontier is the compact form of a tree of n records: one hash for each set bit of n, the root
// of a full subtree. It appends in amortised one node hash a record, gives the root, and is all
// that a follower has to remember to notice a fork. Proofs take their hashes from a NodeSource,
// whose answers must already be authenticated.
//
// Objects belong to one thread at a time; the functions are pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"

namespace gw::tlog {

// Sizes beyond this are refused wherever they are read: numbers of leaves stay far from overflow.
inline constexpr std::uint64_t kMaxTreeSize = std::uint64_t{1} << 48U;

class Frontier {
 public:
  Frontier() = default;
  // `hashes`: concatenated 32-byte hashes, one for each set bit of `size`, the largest subtree
  // first, as hashes_text() writes them. kCorrupt when their number does not fit or the size is
  // too large. That they are the right ones is the caller's business.
  static Result<Frontier> parse(std::uint64_t size, std::string_view hashes);
  static Result<Frontier> from_hashes(std::uint64_t size, std::vector<Hash> hashes);
  std::string hashes_text() const;

  std::uint64_t size() const { return size_; }
  std::span<const Hash> hashes() const { return hashes_; }
  Hash root() const;

  void append(const Hash& leaf) { append_subtree(0, leaf); }
  // Appends the root of a full subtree of 2^level records. Precondition: size() is a multiple of
  // 2^level.
  void append_subtree(unsigned level, const Hash& root);

  // The tree of the first records, their number rounded down to a multiple of 2^level.
  Frontier truncated_to(unsigned level) const;

  bool operator==(const Frontier&) const = default;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> hashes_;
};

// A full subtree: the records [index << level, (index + 1) << level).
struct NodeId {
  unsigned level = 0;
  std::uint64_t index = 0;
  bool operator==(const NodeId&) const = default;
};

class NodeSource {
 public:
  virtual ~NodeSource() = default;
  // An authenticated hash. Only full subtrees within the tree are asked for.
  virtual Result<Hash> node(NodeId id) = 0;
};

// The full subtrees that make up the records [begin, end), left to right, for a range that is a
// subtree of some RFC 6962 tree (begin a multiple of the range's rounded-up power of two).
std::vector<NodeId> range_nodes(std::uint64_t begin, std::uint64_t end);

Result<Frontier> frontier_at(std::uint64_t size, NodeSource& nodes);

// RFC 6962 audit path of record `index` in the tree of `size` records, leaf to root. Precondition:
// index < size.
Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                          NodeSource& nodes);
// RFC 6962 consistency proof between the trees of `old_size` and `size` records. Precondition:
// 0 < old_size <= size. Empty when both are equal.
Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                            NodeSource& nodes);

// kUntrusted when the proof does not lead to `root`, or is too long or too short.
Status verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                        std::span<const Hash> proof, const Hash& root);
Status verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                          const Hash& root, std::span<const Hash> proof);

}  // namespace gw::tlog
