// The tree against RFC 6962's own definitions, written down naively, and its published vectors.
#include "tlog/tree.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/bytes.h"
#include "support/tlog/test_log.h"
#include "tlog/hash.h"

using namespace gw;
using namespace gw::tlog;

namespace {

// RFC 6962 section 2.1, word for word.
Hash naive_root(const std::vector<Hash>& leaves, std::size_t begin, std::size_t end) {
  if (begin == end) return sha256("");
  if (end - begin == 1) return leaves[begin];
  std::size_t k = 1;
  while (k * 2 < end - begin) k *= 2;
  return node_hash(naive_root(leaves, begin, begin + k), naive_root(leaves, begin + k, end));
}

std::vector<Hash> naive_path(std::size_t m, const std::vector<Hash>& leaves, std::size_t begin,
                             std::size_t end) {
  if (end - begin == 1) return {};
  std::size_t k = 1;
  while (k * 2 < end - begin) k *= 2;
  bool left = m < k;
  auto path =
      left ? naive_path(m, leaves, begin, begin + k) : naive_path(m - k, leaves, begin + k, end);
  path.push_back(left ? naive_root(leaves, begin + k, end) : naive_root(leaves, begin, begin + k));
  return path;
}

std::vector<Hash> naive_subproof(std::size_t m, const std::vector<Hash>& leaves, std::size_t begin,
                                 std::size_t end, bool whole) {
  if (m == end - begin) {
    return whole ? std::vector<Hash>{} : std::vector<Hash>{naive_root(leaves, begin, end)};
  }
  std::size_t k = 1;
  while (k * 2 < end - begin) k *= 2;
  bool left = m <= k;
  auto proof = left ? naive_subproof(m, leaves, begin, begin + k, whole)
                    : naive_subproof(m - k, leaves, begin + k, end, false);
  proof.push_back(left ? naive_root(leaves, begin + k, end) : naive_root(leaves, begin, begin + k));
  return proof;
}

class LeafNodes : public NodeSource {
 public:
  explicit LeafNodes(const std::vector<Hash>& leaves) : leaves_(leaves) {}
  Result<Hash> node(NodeId id) override {
    std::size_t begin = id.index << id.level;
    std::size_t end = (id.index + 1) << id.level;
    if (end > leaves_.size()) return internal_error("no such full subtree");
    return naive_root(leaves_, begin, end);
  }

 private:
  const std::vector<Hash>& leaves_;
};

std::vector<Hash> random_leaves(std::size_t n) {
  std::vector<Hash> leaves;
  for (std::size_t i = 0; i < n; ++i) leaves.push_back(leaf_hash("leaf " + std::to_string(i)));
  return leaves;
}

std::string hex(const Hash& h) { return encode_hex(as_bytes(h)); }

}  // namespace

TEST_CASE("roots of the Certificate Transparency test vectors") {
  // From the certificate-transparency reference implementation's merkle tree tests.
  std::vector<std::string> inputs = {"",
                                     "00",
                                     "10",
                                     "2021",
                                     "3031",
                                     "40414243",
                                     "5051525354555657",
                                     "606162636465666768696a6b6c6d6e6f"};
  std::vector<std::string> roots = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Frontier f;
  CHECK(hex(f.root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    f.append(leaf_hash(*decode_hex(inputs[i])));
    CHECK(hex(f.root()) == roots[i]);
  }
}

TEST_CASE("every size up to 300: roots, frontiers and proofs as the RFC defines them") {
  constexpr std::size_t kMax = 300;
  auto leaves = random_leaves(kMax);
  Frontier f;
  std::mt19937 random(1);
  for (std::size_t n = 1; n <= kMax; ++n) {
    f.append(leaves[n - 1]);
    Hash root = naive_root(leaves, 0, n);
    REQUIRE(f.root() == root);
    REQUIRE(subtree_root(std::span(leaves).first(n)) == root);
    std::vector<Hash> first(leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(n));
    LeafNodes nodes(first);
    REQUIRE(frontier_at(n, nodes).value() == f);
    REQUIRE(Frontier::parse(n, f.hashes_text()).value() == f);
    // All pairs up to 70, then a few of each size.
    for (std::size_t j = 0; j < (n <= 70 ? n : 5); ++j) {
      std::size_t m = n <= 70 ? j : random() % n;
      auto path = inclusion_proof(m, n, nodes).value();
      REQUIRE(path == naive_path(m, leaves, 0, n));
      REQUIRE(verify_inclusion(leaves[m], m, n, path, root));
      auto proof = consistency_proof(m + 1, n, nodes).value();
      REQUIRE(proof == naive_subproof(m + 1, leaves, 0, n, true));
      Hash old_root = naive_root(leaves, 0, m + 1);
      REQUIRE(verify_consistency(m + 1, old_root, n, root, proof));
    }
  }
}

TEST_CASE("a changed proof does not verify") {
  auto leaves = random_leaves(200);
  std::mt19937 random(2);
  LeafNodes nodes(leaves);
  Hash root = naive_root(leaves, 0, 200);
  for (int round = 0; round < 200; ++round) {
    std::size_t m = random() % 199;
    auto path = inclusion_proof(m, 200, nodes).value();
    auto proof = consistency_proof(m + 1, 200, nodes).value();
    Hash old_root = naive_root(leaves, 0, m + 1);
    auto broken = path;
    broken[random() % broken.size()][random() % 32] ^= 1;
    CHECK_FALSE(verify_inclusion(leaves[m], m, 200, broken, root));
    CHECK_FALSE(verify_inclusion(leaves[m], m + 1, 200, path, root));
    CHECK_FALSE(verify_inclusion(leaves[m], 200, 200, path, root));
    path.push_back(root);
    CHECK_FALSE(verify_inclusion(leaves[m], m, 200, path, root));
    path.pop_back();
    path.pop_back();
    CHECK_FALSE(verify_inclusion(leaves[m], m, 200, path, root));
    broken = proof;
    broken[random() % broken.size()][random() % 32] ^= 1;
    CHECK_FALSE(verify_consistency(m + 1, old_root, 200, root, broken));
    CHECK_FALSE(verify_consistency(m + 2, old_root, 200, root, proof));
    proof.pop_back();
    CHECK_FALSE(verify_consistency(m + 1, old_root, 200, root, proof));
  }
  CHECK_FALSE(verify_consistency(0, sha256(""), 200, root, {}));
  CHECK_FALSE(verify_consistency(201, root, 200, root, {}));
  CHECK(verify_consistency(200, root, 200, root, {}));
  CHECK_FALSE(verify_consistency(200, leaves[0], 200, root, {}));
}

TEST_CASE("full subtrees append like their leaves") {
  auto leaves = random_leaves(2000);
  Frontier by_leaf;
  Frontier by_tile;
  for (std::size_t i = 0; i + 256 <= leaves.size(); i += 256) {
    for (std::size_t j = i; j < i + 256; ++j) by_leaf.append(leaves[j]);
    by_tile.append_subtree(8, subtree_root(std::span(leaves).subspan(i, 256)));
    REQUIRE(by_leaf == by_tile);
  }
  for (std::size_t i = 0; i < 100; ++i) by_leaf.append(leaves[i]);
  CHECK(by_leaf.truncated_to(8) == by_tile);
  CHECK(by_tile.truncated_to(8) == by_tile);
}

TEST_CASE("a frontier of the wrong length is corrupt") {
  std::string two(64, 'x');
  CHECK(Frontier::parse(3, two));
  CHECK(Frontier::parse(0, ""));
  for (auto [size, bytes] : {std::pair<std::uint64_t, std::size_t>{1, 64},
                             {3, 32},
                             {3, 63},
                             {0, 32},
                             {kMaxTreeSize * 2, 32},
                             {7, 0}}) {
    auto f = Frontier::parse(size, std::string(bytes, 'x'));
    REQUIRE_FALSE(f);
    CHECK(f.error().kind == ErrorKind::kCorrupt);
  }
}

TEST_CASE("large random trees agree with the naive root") {
  testing::TestLog log;
  log.add_synthetic(3000);
  std::vector<Hash> leaves;
  for (std::uint64_t i = 0; i < log.size(); ++i) leaves.push_back(leaf_hash(log.record(i)));
  std::mt19937 random(3);
  for (int i = 0; i < 100; ++i) {
    std::size_t n = random() % 3000 + 1;
    REQUIRE(log.root(n) == naive_root(leaves, 0, n));
  }
}
