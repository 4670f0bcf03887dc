// Where a log of our own is kept: the seam between the log writer, which knows trees and heads, and
// a database, which knows transactions.
//
// The store saves records with the tree's hashes, and only both together. Hashes are those of every
// full subtree, level by level: (level, index) covers the records [index << level, (index + 1) <<
// level). They are only ever added, each once, ascending in each level, so both a table by
// (level, index) and one file a level hold them well. A tile is a run of 256 of level 0, 8, 16,
// ...; a proof or a frontier is one of each level.
//
// Threads: append() is called by one thread at a time; everything else by any, also meanwhile, and
// then shows the state before or after it, never one between.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"
#include "tlog/tree.h"

namespace gw::tlog {

// What a store saves with a record in the same transaction, such as a build's result. The writer
// passes it through unread; the store knows the type behind it.
class LogPayload {
 public:
  virtual ~LogPayload() = default;
};

struct LogEntry {
  std::string key;     // what `lookup/KEY` asks for; one record a key. Empty: found by number only
  std::string record;  // a record text (record.h) of at most kMaxRecordBytes
  std::shared_ptr<const LogPayload> payload;  // may be null
};

struct StoredHash {
  NodeId id;
  Hash hash;
};

// One transaction. Views, valid during the call.
struct LogBatch {
  std::uint64_t first = 0;  // the number of the first entry: the store's size before
  std::span<const LogEntry* const> entries;
  std::span<const StoredHash> hashes;  // of the subtrees that these records complete
};

class LogStore {
 public:
  virtual ~LogStore() = default;

  // Saves all of the batch durably, or nothing of it. An error of any kind may mean either (a
  // database that fails while it commits): the writer then looks at what is there, and signs it. So
  // what the store shows after an error must be durable; a store that cannot tell gives errors
  // until it is opened anew. kCorrupt, and nothing saved, when size() is not batch.first.
  virtual Status append(const LogBatch& batch) = 0;

  // The number of records that are saved.
  virtual Result<std::uint64_t> size() = 0;
  // All `count` of them, or an error. kCorrupt for what must be there and is not.
  virtual Result<std::vector<Hash>> read_hashes(unsigned level, std::uint64_t first,
                                                std::uint32_t count) = 0;
  virtual Result<std::vector<std::string>> read_records(std::uint64_t first,
                                                        std::uint32_t count) = 0;
  // The number of the record that was saved under this key.
  virtual Result<std::optional<std::uint64_t>> find(std::string_view key) = 0;
};

// A store's hashes for proofs and frontiers. The store must outlive it.
class StoreNodes : public NodeSource {
 public:
  explicit StoreNodes(LogStore& store) : store_(&store) {}
  Result<Hash> node(NodeId id) override {
    GW_TRY(const std::vector<Hash> hashes, store_->read_hashes(id.level, id.index, 1));
    if (hashes.size() != 1) return corrupt_error("the log's store has no such hash");
    return hashes[0];
  }

 private:
  LogStore* store_;
};

}  // namespace gw::tlog
