// The hashes of RFC 6962 section 2.1: leaf SHA-256(00 || record), node SHA-256(01 || left ||
// right), empty tree SHA-256(""). Pure functions, any thread. A leaf costs about 0.2 us, a node
// 0.12 us.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"

namespace gw::tlog {

Hash leaf_hash(std::string_view record);
Hash node_hash(const Hash& left, const Hash& right);
Hash empty_tree_hash();

// The RFC 6962 root over a run of equal-height subtrees, left to right: the tree splits at the
// largest power of two below their number. Empty input gives empty_tree_hash().
Hash subtree_root(std::span<const Hash> nodes);

// Hashes one after the other, 32 bytes each, as tiles and databases have them. Nothing when the
// length is no multiple of 32.
std::string format_hashes(std::span<const Hash> hashes);
std::optional<std::vector<Hash>> parse_hashes(std::string_view bytes);

}  // namespace gw::tlog
