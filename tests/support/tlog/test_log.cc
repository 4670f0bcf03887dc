#include "support/tlog/test_log.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "os/file.h"
#include "tlog/hash.h"
#include "tlog/lookup.h"

namespace gw::testing {

using namespace gw::tlog;

namespace {

// The hash of a known index, so that TestLog::node is a NodeSource.
class LevelNodes : public NodeSource {
 public:
  explicit LevelNodes(const std::vector<std::vector<Hash>>& levels) : levels_(levels) {}
  Result<Hash> node(NodeId id) override { return levels_.at(id.level).at(id.index); }

 private:
  const std::vector<std::vector<Hash>>& levels_;
};

}  // namespace

TestLog::TestLog(std::string_view name, const LogFormat& format)
    : signer_(SignerKey::from_seed(name, as_bytes(sha256(name))).value()), format_(&format) {}

std::uint64_t TestLog::append(std::string_view record) {
  return append(std::make_shared<const std::string>(record), leaf_hash(record));
}

void TestLog::append_from(const TestLog& other, std::uint64_t end) {
  while (size() < end) append(other.records_[size()], other.levels_[0][size()]);
}

std::uint64_t TestLog::append(std::shared_ptr<const std::string> record, const Hash& leaf) {
  std::uint64_t number = records_.size();
  records_.push_back(std::move(record));
  Hash h = leaf;
  std::uint64_t index = number;
  for (unsigned level = 0;; ++level) {
    if (levels_.size() == level) levels_.emplace_back();
    levels_[level].push_back(h);
    if (index % 2 == 0) break;
    h = node_hash(levels_[level][index - 1], h);
    index /= 2;
  }
  if (lookups_.empty() || lookups_.back().end <= number || lookups_.back().layer.use_count() > 1) {
    lookups_.push_back({std::make_shared<Layer>(), std::numeric_limits<std::uint64_t>::max()});
  }
  Layer& layer = *lookups_.back().layer;
  const MutexLock lock(layer.mutex);
  layer.added.emplace_back(number, records_.back());
  return number;
}

std::optional<std::uint64_t> TestLog::find_lookup(std::string_view path) const {
  for (const Lookups& lookups : lookups_) {
    Layer& layer = *lookups.layer;
    const MutexLock lock(layer.mutex);
    for (const auto& [number, record] : layer.added) {
      if (auto own = format_->lookup_path(format_->key_of(*record))) {
        layer.records.emplace(*std::move(own), number);
      }
    }
    layer.added.clear();
    const auto it = layer.records.find(path);
    if (it != layer.records.end() && it->second < lookups.end) return it->second;
  }
  return std::nullopt;
}

std::string TestLog::record_text(std::string_view module, std::string_view version,
                                 std::uint64_t seed) {
  std::string what = std::string(module) + "@" + std::string(version) + "#" + std::to_string(seed);
  std::string zip = format_sum(sha256("zip ", what));
  std::string gomod = format_sum(sha256("mod ", what));
  return format_go_record({module, version, zip, gomod});
}

std::uint64_t TestLog::add(std::string_view module, std::string_view version, std::uint64_t seed) {
  return append(record_text(module, version, seed));
}

void TestLog::add_synthetic(std::uint64_t count, std::uint64_t seed) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t n = size();
    add("example.com/m" + std::to_string(n % 1009), "v0." + std::to_string(n / 1009) + ".0", seed);
  }
}

Frontier TestLog::frontier(std::uint64_t n) const {
  LevelNodes nodes(levels_);
  return frontier_at(n, nodes).value();
}

Hash TestLog::root(std::uint64_t n) const { return frontier(n).root(); }

std::string TestLog::head_note(std::uint64_t n) const {
  return signer_.sign_note(format_tree_text(format_->origin, n, root(n)));
}

Checkpoint TestLog::head(std::uint64_t n) const {
  return Checkpoint::open(head_note(n), key(), *format_).value();
}

Checkpoint TestLog::sign(std::uint64_t n, const Hash& root) const {
  return Checkpoint::open(signer_.sign_note(format_tree_text(format_->origin, n, root)), key(),
                          *format_)
      .value();
}

TestLog TestLog::fork_at(std::uint64_t n) const {
  TestLog log(key().name(), *format_);
  log.style_ = style_;
  log.records_.assign(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(n));
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    auto first = levels_[level].begin();
    log.levels_.emplace_back(first, first + static_cast<std::ptrdiff_t>(n >> level));
  }
  for (const Lookups& layer : lookups_) {
    log.lookups_.push_back({layer.layer, std::min(layer.end, n)});
  }
  return log;
}

void TestLog::replace_record(std::uint64_t n, std::string_view record) {
  records_[n] = std::make_shared<const std::string>(record);
  levels_[0][n] = leaf_hash(record);
  for (std::size_t level = 1; level < levels_.size(); ++level) {
    const std::uint64_t index = n >> level;
    if (index >= levels_[level].size()) break;
    levels_[level][index] = node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1));
  }
}

Result<std::string> TestLog::serve_tile(const TileId& id, std::uint64_t served) const {
  std::uint32_t have = tile_width(id.level, id.index, served);
  if (have < id.width || (hide_partial_ && !id.full())) {
    return not_found_error("no such tile");
  }
  std::uint64_t first = id.index * kTileWidth;
  if (id.level == kDataLevel) {
    std::vector<std::string> records;
    for (std::uint64_t n = first; n < first + id.width; ++n) records.push_back(record(n));
    return format_data_tile(records, first, style_);
  }
  std::string body;
  for (std::uint32_t i = 0; i < id.width; ++i) {
    body += as_bytes(node(kTileHeight * static_cast<unsigned>(id.level), first + i));
  }
  return body;
}

Result<std::string> TestLog::serve_path(std::string_view path) const {
  std::uint64_t served = served_.value_or(size());
  if (path == "latest") return head_note(served);
  if (auto id = parse_tile_path(path)) return serve_tile(*id, served);
  if (const auto number = find_lookup(path); number && *number < served) {
    return format_lookup(*number, record(*number), head_note(served));
  }
  return not_found_error("no such file");
}

std::vector<Result<std::string>> TestLog::fetch(std::span<const FetchRequest> requests) {
  ++round_trips;
  std::vector<Result<std::string>> out;
  for (const FetchRequest& r : requests) {
    fetched.push_back(r.path);
    auto answer = [&]() -> Result<std::string> {
      if (on_fetch) {
        if (auto reply = on_fetch(r.path)) return *std::move(reply);
      }
      if (auto it = failed_.find(r.path); it != failed_.end()) return it->second;
      if (auto it = replaced_.find(r.path); it != replaced_.end()) return it->second;
      return serve_path(r.path);
    };
    Result<std::string> body = answer();
    if (body && body->size() > r.max_bytes) {
      body = untrusted_error(r.path + ": longer than " + std::to_string(r.max_bytes) + " bytes");
    }
    out.push_back(std::move(body));
  }
  return out;
}

std::size_t TestLog::fetched_with_prefix(std::string_view prefix) const {
  std::size_t n = 0;
  for (const std::string& path : fetched) n += path.starts_with(prefix) ? 1 : 0;
  return n;
}

const TestLog& long_log() {
  static const TestLog log = [] {
    TestLog made;
    made.add_synthetic(70000);
    return made;
  }();
  return log;
}

std::vector<Result<std::string>> DirectorySource::fetch(std::span<const FetchRequest> requests) {
  std::vector<Result<std::string>> out;
  for (const FetchRequest& r : requests) {
    std::string path = dir_ + "/" + r.path;
    if (std::filesystem::is_directory(path)) {
      out.emplace_back(not_found_error(path + ": is a directory"));
    } else {
      out.push_back(os::read_file(path, r.max_bytes));
    }
  }
  return out;
}

}  // namespace gw::testing
