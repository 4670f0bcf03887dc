#include "tlog/hash.h"

#include <bit>

namespace gw::tlog {

Hash leaf_hash(std::string_view record) {
  constexpr std::string_view kLeaf("\x00", 1);
  return sha256(kLeaf, record);
}

Hash node_hash(const Hash& left, const Hash& right) {
  // One buffer and one update: a node is 65 bytes, and calls cost more than copying them.
  char node[1 + 2 * sizeof(Hash)];
  node[0] = 1;
  as_bytes(left).copy(node + 1, sizeof(Hash));
  as_bytes(right).copy(node + 1 + sizeof(Hash), sizeof(Hash));
  return sha256({node, sizeof node});
}

Hash empty_tree_hash() { return sha256({}); }

Hash subtree_root(std::span<const Hash> nodes) {
  if (nodes.empty()) return empty_tree_hash();
  if (nodes.size() == 1) return nodes[0];
  const std::size_t left = std::bit_ceil(nodes.size()) / 2;
  return node_hash(subtree_root(nodes.first(left)), subtree_root(nodes.subspan(left)));
}

std::string format_hashes(std::span<const Hash> hashes) {
  std::string out;
  out.reserve(hashes.size() * sizeof(Hash));
  for (const Hash& h : hashes) out += as_bytes(h);
  return out;
}

std::optional<std::vector<Hash>> parse_hashes(std::string_view bytes) {
  if (bytes.size() % sizeof(Hash) != 0) return std::nullopt;
  std::vector<Hash> out;
  out.reserve(bytes.size() / sizeof(Hash));
  for (; !bytes.empty(); bytes.remove_prefix(sizeof(Hash))) {
    out.push_back(hash_from_bytes(bytes.substr(0, sizeof(Hash))));
  }
  return out;
}

}  // namespace gw::tlog
