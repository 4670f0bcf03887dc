#include "tlog/log_tree.h"

#include "tlog/hash.h"

namespace gw::tlog {

Hash LogTree::root() const {
  if (peaks_.empty()) return empty_tree_hash();
  Hash h = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) h = node_hash(peaks_[i], h);
  return h;
}

void LogTree::append(const Hash& leaf, std::vector<StoredHash>& made) {
  Hash h = leaf;
  std::uint64_t index = size_;
  for (unsigned level = 0;; ++level, index >>= 1U) {
    made.push_back({{level, index}, h});
    if (index % 2 == 0) break;
    h = node_hash(peaks_.back(), h);
    peaks_.pop_back();
  }
  peaks_.push_back(h);
  ++size_;
}

}  // namespace gw::tlog
