// Makes transparency logs in directories, as a follower's --source DIR reads them, for CLI tests
// and benchmarks: synthetic ones of any length, or with chosen records; extends them, signs heads
// with any root, forks them.
//
//   gw_logtool key DIR                      the verifier key
//   gw_logtool synth DIR SIZE [SEED]        extends with synthetic records to SIZE and signs it
//   gw_logtool append DIR                   adds records from standard input and signs: each line
//                                           "MODULE VERSION [SEED]", or "raw TEXT" with \n escapes
//   gw_logtool sign DIR SIZE [ROOT]         prints the signed head at SIZE (ROOT: 64 hex digits)
//   gw_logtool fork DIR NEWDIR SIZE         a log with the same key and the first SIZE records
//   gw_logtool style DIR separated|terminated|numbered    how data tiles are framed from now on
//
// A directory holds latest, tile/8/..., and for this tool alone: name (the key's name), style and
// signer (a signer key). Without the last the key is made from the name, which is sum.synth.test
// unless DIR/name says otherwise. Extending
// reads all records again unless the log is synthetic all the way: simple rather than fast.
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "os/file.h"
#include "support/synthetic_log.h"
#include "tlog/checkpoint.h"
#include "tlog/data_tile.h"
#include "tlog/go_log.h"
#include "tlog/hash.h"
#include "tlog/note.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace {

using namespace gw;
using namespace gw::tlog;

[[noreturn]] void die(const std::string& why) {
  std::cerr << "gw_logtool: " << why << "\n";
  std::exit(2);
}

std::string slurp(const std::string& path, const std::string& fallback) {
  auto text = os::read_file(path, std::size_t{64} << 20);
  return text ? *text : fallback;
}

void spill(const std::string& path, std::string_view data) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream out(path + ".tmp", std::ios::binary | std::ios::trunc);
  out.write(data.data(), static_cast<std::streamsize>(data.size()));
  out.close();
  if (!out) die("cannot write " + path);
  std::filesystem::rename(path + ".tmp", path);  // a reader sees the old file or the new one
}

std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class LogDir {
 public:
  explicit LogDir(std::string dir)
      : dir_(std::move(dir)),
        name_(trimmed(slurp(dir_ + "/name", "sum.synth.test"))),
        style_(parse_style(trimmed(slurp(dir_ + "/style", "separated")))) {}

  SignerKey signer() const {
    const std::string given = trimmed(slurp(dir_ + "/signer", ""));
    auto key = given.empty() ? SignerKey::from_seed(name_, as_bytes(sha256("logtool ", name_)))
                             : SignerKey::parse(given);
    if (!key) die(key.error().message);
    return *key;
  }

  // The stored records up to `limit`, replayed into the tree without writing anything.
  void load(std::uint64_t limit) {
    const auto note = os::read_file(dir_ + "/latest", kMaxNoteBytes);
    if (!note) return;
    auto head = Checkpoint::open(*note, signer().verifier(), kGoLog);
    if (!head) die(head.error().message);
    for (std::uint64_t n = 0; n < std::min(head->size(), limit); n += kTileWidth) {
      const std::uint64_t count = std::min<std::uint64_t>(kTileWidth, head->size() - n);
      const TileId id{kDataLevel, n / kTileWidth, static_cast<std::uint32_t>(count)};
      const std::string body = slurp(dir_ + "/" + format_tile_path(id), "");
      RecordTexts texts;
      if (!split_data_tile(body, n, id.width, guess_framing(body, n), texts)) {
        die("cannot read " + format_tile_path(id));
      }
      for (std::uint64_t i = 0; i < count && n + i < limit; ++i) add(std::string(texts[i]), false);
    }
    written_ = size_;
  }

  void add(std::string record, bool write = true) {
    push(0, leaf_hash(record), write);
    tile_.push_back(std::move(record));
    ++size_;
    if (size_ % kTileWidth == 0) {
      if (write) write_data(size_ / kTileWidth - 1);
      tile_.clear();
    }
  }

  std::uint64_t size() const { return size_; }

  // Partial tiles and the head.
  void finish() {
    if (!tile_.empty()) write_data(size_ / kTileWidth);
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      if (!levels_[level].empty()) write_hashes(level);
    }
    spill(dir_ + "/latest",
          signer().sign_note(format_tree_text(kGoLog.origin, size_, frontier_.root())));
  }

  Hash root() const { return frontier_.root(); }
  const std::string& dir() const { return dir_; }
  const std::string& name() const { return name_; }
  std::string style_text() const { return trimmed(slurp(dir_ + "/style", "separated")); }

  static DataTileStyle parse_style(const std::string& text) {
    if (text == "separated") return DataTileStyle::kSeparated;
    if (text == "terminated") return DataTileStyle::kTerminated;
    if (text == "numbered") return DataTileStyle::kNumbered;
    die("no such style: " + text);
  }

 private:
  void push(std::size_t level, const Hash& h, bool write) {
    if (level == 0) frontier_.append(h);
    if (levels_.size() == level) {
      levels_.emplace_back();
      counts_.push_back(0);
    }
    levels_[level].push_back(h);
    ++counts_[level];
    if (levels_[level].size() < kTileWidth) return;
    if (write) write_hashes(level);
    const Hash root = subtree_root(levels_[level]);
    levels_[level].clear();
    push(level + 1, root, write);
  }
  void write_hashes(std::size_t level) {
    const std::uint64_t index = (counts_[level] - 1) / kTileWidth;
    const TileId id{static_cast<int>(level), index,
                    static_cast<std::uint32_t>(levels_[level].size())};
    spill(dir_ + "/" + format_tile_path(id), format_hash_tile(levels_[level]));
  }
  void write_data(std::uint64_t index) {
    const TileId id{kDataLevel, index, static_cast<std::uint32_t>(tile_.size())};
    spill(dir_ + "/" + format_tile_path(id), format_data_tile(tile_, index * kTileWidth, style_));
  }

  std::string dir_, name_;
  DataTileStyle style_;
  std::uint64_t size_ = 0, written_ = 0;
  Frontier frontier_;
  std::vector<std::string> tile_;
  std::vector<std::vector<Hash>> levels_;
  std::vector<std::uint64_t> counts_;
};

std::uint64_t number(const std::string& text) {
  const auto n = parse_decimal(text);
  if (!n) die("not a number: " + text);
  return *n;
}

std::string record_of(const std::string& line) {
  if (line.starts_with("raw ")) {
    std::string out;
    for (std::size_t i = 4; i < line.size(); ++i) {
      const bool escape = line[i] == '\\' && i + 1 < line.size() && line[i + 1] == 'n';
      out.push_back(escape ? '\n' : line[i]);
      if (escape) ++i;
    }
    return out;
  }
  std::istringstream in(line);
  std::string module, version, seed;
  in >> module >> version >> seed;
  if (version.empty()) die("not MODULE VERSION [SEED]: " + line);
  const std::string what = module + "@" + version + "#" + seed;
  return format_go_record(
      {module, version, format_sum(sha256("zip ", what)), format_sum(sha256("mod ", what))});
}

int synth(LogDir log, std::uint64_t size, std::uint64_t seed) {
  testing::SyntheticLog source(seed);
  const auto note = os::read_file(log.dir() + "/latest", kMaxNoteBytes);
  std::uint64_t old = 0;
  if (note) {
    auto head = Checkpoint::open(*note, log.signer().verifier(), kGoLog);
    if (!head) die(head.error().message);
    old = head->size();
  }
  // Records of a synthetic log are made again rather than read.
  while (log.size() < size) log.add(source.next(), log.size() + kTileWidth >= old);
  log.finish();
  return 0;
}

int append(LogDir log) {
  log.load(kMaxTreeSize);
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) log.add(record_of(line));
  }
  log.finish();
  return 0;
}

int sign(LogDir log, std::uint64_t size, const std::optional<std::string>& root) {
  Hash hash{};
  if (root) {
    const auto bytes = decode_hex(*root);
    if (!bytes || bytes->size() != hash.size()) die("not 64 hex digits: " + *root);
    hash = hash_from_bytes(*bytes);
  } else {
    log.load(size);
    if (log.size() != size) die("the log has only " + std::to_string(log.size()) + " records");
    hash = log.root();
  }
  std::cout << log.signer().sign_note(format_tree_text(kGoLog.origin, size, hash));
  return 0;
}

int fork(const std::string& from, const std::string& to, std::uint64_t size) {
  LogDir old(from);
  spill(to + "/name", old.name() + "\n");
  spill(to + "/style", old.style_text() + "\n");
  LogDir log(to);
  const auto head = Checkpoint::open(slurp(from + "/latest", ""), old.signer().verifier(), kGoLog);
  if (!head || head->size() < size) die("the log is shorter");
  for (std::uint64_t n = 0; n < size; n += kTileWidth) {
    const std::uint64_t count = std::min<std::uint64_t>(kTileWidth, head->size() - n);
    const TileId id{kDataLevel, n / kTileWidth, static_cast<std::uint32_t>(count)};
    const std::string body = slurp(from + "/" + format_tile_path(id), "");
    RecordTexts texts;
    if (!split_data_tile(body, n, id.width, guess_framing(body, n), texts)) die("cannot read");
    for (std::uint64_t i = 0; i < count && n + i < size; ++i) log.add(std::string(texts[i]));
  }
  log.finish();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (auto s = init_crypto(); !s) die(s.error().message);
  const std::vector<std::string> a(argv + 1, argv + argc);
  const auto is = [&](const char* name, std::size_t min, std::size_t max) {
    return !a.empty() && a[0] == name && a.size() > min && a.size() <= max + 1;
  };
  if (is("key", 1, 1)) {
    std::cout << LogDir(a[1]).signer().verifier().format() << "\n";
    return 0;
  }
  if (is("synth", 2, 3)) return synth(LogDir(a[1]), number(a[2]), a.size() > 3 ? number(a[3]) : 1);
  if (is("append", 1, 1)) return append(LogDir(a[1]));
  if (is("sign", 2, 3)) {
    return sign(LogDir(a[1]), number(a[2]),
                a.size() > 3 ? std::optional<std::string>(a[3]) : std::nullopt);
  }
  if (is("fork", 3, 3)) return fork(a[1], a[2], number(a[3]));
  if (is("style", 2, 2)) {
    LogDir::parse_style(a[2]);
    spill(a[1] + "/style", a[2] + "\n");
    return 0;
  }
  die("usage: gw_logtool key|synth|append|sign|fork|style DIR ...");
}
