// Tiles that will be asked for, fetched before: many proofs, each under a head of its own, then
// cost one round trip together instead of one each.
//
//   TilesAhead ahead(source);                 // what the trees get as their source
//   ahead.plan([&](TileSource& s) { HeadTree(s, head).prove_inclusion(n); });   // any number
//   ahead.fetch_planned();                    // one round trip, or two
//   HeadTree(ahead, head).prove_inclusion(n); // nothing is asked for
//   ahead.forget();
//
// Nothing here is believed: who asks verifies as if it came from the source. One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tlog/source.h"

namespace gw::tlog {

class TilesAhead : public TileSource {
 public:
  explicit TilesAhead(TileSource& source) : source_(&source) {}

  // What `use` asks the source that it gets, which answers nothing, for: its first round.
  void plan(const std::function<void(TileSource&)>& use);
  // Fetches what was planned, each file once; in place of a partial tile that is not to be had the
  // full one, too.
  void fetch_planned();
  void forget();

  // What was fetched ahead; else the source's answers.
  std::vector<Result<std::string>> fetch(std::span<const FetchRequest> requests) override;
  std::string describe() const override { return source_->describe(); }

 private:
  void fetch_into(std::vector<FetchRequest> requests);

  TileSource* source_;
  std::map<std::string, std::size_t> planned_;  // path → max_bytes
  std::map<std::string, Result<std::string>> had_;
};

}  // namespace gw::tlog
