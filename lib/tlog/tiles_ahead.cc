#include "tlog/tiles_ahead.h"

#include <utility>

#include "tlog/tile.h"

namespace gw::tlog {
namespace {

// Writes down what it is asked for.
class Planner : public TileSource {
 public:
  explicit Planner(std::map<std::string, std::size_t>& planned) : planned_(planned) {}
  std::vector<Result<std::string>> fetch(std::span<const FetchRequest> requests) override {
    // A second round asks for what might stand in for the first one's files.
    if (!std::exchange(asked_, true)) {
      for (const FetchRequest& r : requests) planned_.try_emplace(r.path, r.max_bytes);
    }
    return std::vector<Result<std::string>>(requests.size(), unavailable_error("only planned"));
  }
  std::string describe() const override { return "plan"; }

 private:
  std::map<std::string, std::size_t>& planned_;
  bool asked_ = false;
};

}  // namespace

void TilesAhead::plan(const std::function<void(TileSource&)>& use) {
  Planner planner(planned_);
  use(planner);
}

void TilesAhead::fetch_into(std::vector<FetchRequest> requests) {
  if (requests.empty()) return;
  auto replies = source_->fetch(requests);
  if (replies.size() != requests.size()) return;  // whoever asks for them finds that out
  for (std::size_t i = 0; i < requests.size(); ++i) {
    had_.insert_or_assign(std::move(requests[i].path), std::move(replies[i]));
  }
}

void TilesAhead::fetch_planned() {
  std::vector<FetchRequest> requests;
  for (auto& [path, max_bytes] : std::exchange(planned_, {})) {
    if (!had_.contains(path)) requests.push_back({path, max_bytes});
  }
  const std::vector<FetchRequest> asked = requests;
  fetch_into(std::move(requests));
  std::map<std::string, std::size_t> full;
  for (const FetchRequest& r : asked) {
    const auto had = had_.find(r.path);
    if (had == had_.end() || had->second || had->second.error().kind != ErrorKind::kNotFound) {
      continue;
    }
    const auto tile = parse_tile_path(r.path);
    if (!tile || tile->full()) continue;
    const std::string path = format_tile_path(tile->as_full());
    if (!had_.contains(path)) full.try_emplace(path, r.max_bytes);
  }
  requests.clear();
  for (auto& [path, max_bytes] : full) requests.push_back({path, max_bytes});
  fetch_into(std::move(requests));
}

void TilesAhead::forget() {
  planned_.clear();
  had_.clear();
}

std::vector<Result<std::string>> TilesAhead::fetch(std::span<const FetchRequest> requests) {
  std::vector<Result<std::string>> out(requests.size(), internal_error("source lost a reply"));
  std::vector<FetchRequest> others;
  std::vector<std::size_t> where;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto had = had_.find(requests[i].path);
    if (had != had_.end()) {
      out[i] = had->second;
      continue;
    }
    others.push_back(requests[i]);
    where.push_back(i);
  }
  if (others.empty()) return out;
  auto replies = source_->fetch(others);
  if (replies.size() != others.size()) return {};  // as the source
  for (std::size_t k = 0; k < where.size(); ++k) out[where[k]] = std::move(replies[k]);
  return out;
}

}  // namespace gw::tlog
