#include "tlog/tree.h"

#include <fmt/format.h>

#include <bit>
#include <string>

#include "base/text.h"
#include "tlog/hash.h"

namespace gw::tlog {

Result<Frontier> Frontier::from_hashes(std::uint64_t size, std::vector<Hash> hashes) {
  if (size > kMaxTreeSize) return corrupt_error(fmt::format("tree size {} too large", size));
  if (hashes.size() != static_cast<std::size_t>(std::popcount(size))) {
    return corrupt_error(fmt::format("frontier of {} records has {} hashes", size, hashes.size()));
  }
  Frontier f;
  f.size_ = size;
  f.hashes_ = std::move(hashes);
  return f;
}

Result<Frontier> Frontier::parse(std::uint64_t size, std::string_view hashes) {
  auto list = parse_hashes(hashes.substr(0, 65 * sizeof(Hash)));
  if (!list || list->size() > 64) {
    return corrupt_error(fmt::format("frontier of {} records has {} bytes", size, hashes.size()));
  }
  return from_hashes(size, *std::move(list));
}

std::string Frontier::hashes_text() const { return format_hashes(hashes_); }

Hash Frontier::root() const {
  if (hashes_.empty()) return empty_tree_hash();
  Hash h = hashes_.back();
  for (std::size_t i = hashes_.size() - 1; i-- > 0;) h = node_hash(hashes_[i], h);
  return h;
}

void Frontier::append_subtree(unsigned level, const Hash& root) {
  const std::uint64_t unit = std::uint64_t{1} << level;
  if (size_ % unit != 0) std::abort();
  // Like a binary counter: each carry joins the two smallest subtrees.
  Hash h = root;
  for (std::uint64_t bit = unit; (size_ & bit) != 0; bit <<= 1U) {
    h = node_hash(hashes_.back(), h);
    hashes_.pop_back();
  }
  hashes_.push_back(h);
  size_ += unit;
}

Frontier Frontier::truncated_to(unsigned level) const {
  Frontier f;
  f.size_ = size_ >> level << level;
  f.hashes_.assign(hashes_.begin(), hashes_.begin() + std::popcount(f.size_));
  return f;
}

std::vector<NodeId> range_nodes(std::uint64_t begin, std::uint64_t end) {
  std::vector<NodeId> out;
  while (begin < end) {
    auto level = static_cast<unsigned>(std::bit_width(end - begin)) - 1;
    out.push_back({level, begin >> level});
    begin += std::uint64_t{1} << level;
  }
  return out;
}

namespace {

// The RFC 6962 root over [begin, end).
Result<Hash> range_root(std::uint64_t begin, std::uint64_t end, NodeSource& nodes) {
  std::vector<Hash> parts;
  for (const NodeId id : range_nodes(begin, end)) {
    GW_TRY(const Hash h, nodes.node(id));
    parts.push_back(h);
  }
  Hash h = parts.back();
  for (std::size_t i = parts.size() - 1; i-- > 0;) h = node_hash(parts[i], h);
  return h;
}

// The split of RFC 6962: the largest power of two below n. Precondition: n > 1.
std::uint64_t split(std::uint64_t n) { return std::bit_ceil(n) / 2; }

Status check_length(bool ok) {
  if (!ok) return untrusted_error("proof of the wrong length");
  return {};
}

}  // namespace

Result<Frontier> frontier_at(std::uint64_t size, NodeSource& nodes) {
  std::vector<Hash> hashes;
  for (const NodeId id : range_nodes(0, size)) {
    GW_TRY(const Hash h, nodes.node(id));
    hashes.push_back(h);
  }
  return Frontier::from_hashes(size, std::move(hashes));
}

Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size,
                                          NodeSource& nodes) {
  std::vector<Hash> proof;  // root to leaf, turned round at the end
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split(end - begin);
    const bool left = index < middle;
    GW_TRY(const Hash h, left ? range_root(middle, end, nodes) : range_root(begin, middle, nodes));
    proof.push_back(h);
    (left ? end : begin) = middle;
  }
  return std::vector<Hash>(proof.rbegin(), proof.rend());
}

Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                            NodeSource& nodes) {
  std::vector<Hash> proof;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  // RFC 6962 section 2.1.2, SUBPROOF: `whole` while the old tree is exactly [0, end).
  while (end != old_size) {
    const std::uint64_t middle = begin + split(end - begin);
    const bool left = old_size <= middle;
    GW_TRY(const Hash h, left ? range_root(middle, end, nodes) : range_root(begin, middle, nodes));
    proof.push_back(h);
    (left ? end : begin) = middle;
  }
  if (begin != 0) {
    GW_TRY(const Hash h, range_root(begin, end, nodes));
    proof.push_back(h);
  }
  return std::vector<Hash>(proof.rbegin(), proof.rend());
}

Status verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                        std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return untrusted_error("record number not below the tree size");
  // RFC 9162 section 2.1.3.2.
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash h = leaf;
  for (const Hash& p : proof) {
    GW_CHECK(check_length(sn != 0));
    if ((fn & 1U) != 0 || fn == sn) {
      h = node_hash(p, h);
      while ((fn & 1U) == 0 && fn != 0) fn >>= 1U, sn >>= 1U;
    } else {
      h = node_hash(h, p);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  GW_CHECK(check_length(sn == 0));
  if (h != root) return untrusted_error("inclusion proof does not lead to the root");
  return {};
}

Status verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                          const Hash& root, std::span<const Hash> proof) {
  if (old_size == 0 || old_size > size) return untrusted_error("tree sizes out of order");
  if (old_size == size) {
    GW_CHECK(check_length(proof.empty()));
    if (old_root != root) return untrusted_error("same size, different roots");
    return {};
  }
  // RFC 9162 section 2.1.4.2.
  std::size_t next = 0;
  Hash fr = old_root;
  if (!std::has_single_bit(old_size)) {
    GW_CHECK(check_length(!proof.empty()));
    fr = proof[next++];
  }
  Hash sr = fr;
  std::uint64_t fn = old_size - 1;
  std::uint64_t sn = size - 1;
  while ((fn & 1U) != 0) fn >>= 1U, sn >>= 1U;
  for (; next < proof.size(); ++next) {
    GW_CHECK(check_length(sn != 0));
    if ((fn & 1U) != 0 || fn == sn) {
      fr = node_hash(proof[next], fr);
      sr = node_hash(proof[next], sr);
      while ((fn & 1U) == 0 && fn != 0) fn >>= 1U, sn >>= 1U;
    } else {
      sr = node_hash(sr, proof[next]);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  GW_CHECK(check_length(sn == 0));
  if (fr != old_root) return untrusted_error("consistency proof does not lead to the old root");
  if (sr != root) return untrusted_error("consistency proof does not lead to the new root");
  return {};
}

}  // namespace gw::tlog
