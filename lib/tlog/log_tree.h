// A tree that grows, and gives every hash that growing makes.
//
// As a binary counter: a record adds its leaf and one node for each subtree that it completes. That
// is two hashes a record, amortised, whatever the size; only the roots of the full subtrees, one
// for each set bit of the size, are held.
//
// A value; one thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "tlog/log_store.h"
#include "tlog/tree.h"

namespace gw::tlog {

class LogTree {
 public:
  LogTree() = default;
  explicit LogTree(const Frontier& frontier)
      : size_(frontier.size()), peaks_(frontier.hashes().begin(), frontier.hashes().end()) {}

  std::uint64_t size() const { return size_; }
  Hash root() const;
  bool operator==(const LogTree&) const = default;

  // Adds a record by its leaf hash and appends the hashes of all subtrees that end with it to
  // `made`, the leaf first.
  void append(const Hash& leaf, std::vector<StoredHash>& made);

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;  // the largest subtree first
};

}  // namespace gw::tlog
