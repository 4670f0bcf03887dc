// A log's client: heads, proven lookups, and whether two heads are of one history.
//
//   Client client(source, key, kGoLog);
//   GW_TRY(auto found, client.lookup("golang.org/x/mod@v0.33.0"));   // signature and inclusion
//   GW_TRY(auto cmp, client.compare(remembered, found.head()));      // either may be the older
//
// The caller must have decided which key to trust, and must compare every new head with the one it
// remembers before acting on it: a lookup alone is proven only in the head that it came with.
//
// One thread at a time; the source must outlive the client. Errors: the source's; kUntrusted for
// everything that does not verify; kNotFound when the log says that it has no such record. A fork
// is not an error of compare() but its finding, with the evidence.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/head_tree.h"
#include "tlog/history.h"
#include "tlog/note.h"
#include "tlog/record.h"
#include "tlog/source.h"
#include "tlog/tiles_ahead.h"

namespace gw::tlog {

// A record found by its key, proven to be in the log at head().
class VerifiedLookup {
 public:
  const Checkpoint& head() const { return head_; }
  // The record; a view into this object.
  VerifiedRecord record() const;
  const std::string& text() const { return text_; }
  std::uint64_t number() const { return number_; }
  // RFC 6962 audit path, leaf to root.
  const std::vector<Hash>& proof() const { return proof_; }

 private:
  friend class Client;
  VerifiedLookup(Checkpoint head, std::uint64_t number, std::string text)
      : head_(std::move(head)), number_(number), text_(std::move(text)) {}
  Checkpoint head_;
  std::uint64_t number_;
  std::string text_;
  std::vector<Hash> proof_;
};

class Client {
 public:
  // The format must outlive what the client gives back.
  Client(TileSource& source, VerifierKey key, const LogFormat& format);

  const VerifierKey& key() const { return key_; }
  const LogFormat& format() const { return *format_; }

  // The log's current head, signature verified and nothing else.
  Result<Checkpoint> fetch_latest();

  // `key`: as the format has it; kUsage when it is none. What fails under a good signature carries
  // the head (find_unshown_head()): it is the log's word, whatever was wrong beside it.
  Result<VerifiedLookup> lookup(std::string_view key);
  // Many at once, replies fetched in parallel, then all tiles that prove them; results in order,
  // each on its own. Some hundreds at a time: all replies are in memory together.
  std::vector<Result<VerifiedLookup>> lookup_all(std::span<const std::string> keys);

  // Either may be the older one. Both must be opened with key().
  Result<HeadComparison> compare(const Checkpoint& a, const Checkpoint& b);
  // The same where only a frontier is remembered (a database's position). kUsage when it is larger
  // than the head.
  Result<HeadComparison> compare(const Frontier& own, const Checkpoint& head);

  // Fetches what comparing each of `smaller` with `larger` will need, in one go. What does not come
  // is compare()'s to tell.
  void prepare_comparisons(std::span<const Checkpoint> smaller, const Checkpoint& larger);

  // The tree under `head`; cached for the last few heads, valid until the next call of any method.
  HeadTree& tree(const Checkpoint& head);

 private:
  struct Answer;
  Result<Answer> open(const Result<std::string>& reply);
  Result<VerifiedLookup> prove(std::string_view key, const Answer& answer);
  Result<VerifiedLookup> prove_under(const Checkpoint& head, std::string_view key,
                                     std::uint64_t number, std::string_view record);
  TileSource* source_;
  std::unique_ptr<TilesAhead> ahead_;  // what the trees ask
  VerifierKey key_;
  const LogFormat* format_;
  std::list<HeadTree> trees_;  // most recently used first
};

}  // namespace gw::tlog
