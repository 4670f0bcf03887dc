// What the checksum database says about modules, proven: the record's inclusion in a signed head,
// and that head's history with every other that was seen, in this call or an earlier one.
//
//   GW_TRY(auto sums, ModuleSums::open(...));
//   GW_TRY(Sums found, sums->find("filippo.io/age", "v1.2.1"));
//
// Proofs are kept in the cache and verified again whenever they are used, so that a build can be
// repeated without a network and an edited cache is not believed. The largest head is remembered
// there, too: a log that forks is found out by the next call, and its evidence kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "module/byte_source.h"
#include "module/proxy.h"
#include "tlog/client.h"
#include "tlog/note.h"
#include "tlog/source.h"

namespace gw::build {

struct Sums {
  std::string zip;    // "h1:..."
  std::string gomod;  // of go.mod
  bool operator==(const Sums&) const = default;
};

// What is to be told of a module whose sums another one says than the public checksum database.
struct SumRemark {
  std::string text;     // empty: nothing
  bool vouched = true;  // by anybody
  bool operator==(const SumRemark&) const = default;
  bool operator<(const SumRemark& o) const {
    return std::tie(text, vouched) < std::tie(o.text, o.vouched);
  }
};

// Who says what a module is. Any thread; errors as ModuleSums::find().
class SumSource {
 public:
  virtual ~SumSource() = default;
  virtual Result<std::string> zip_sum(const std::string& module, const std::string& version) = 0;
  // Of its go.mod.
  virtual Result<std::string> gomod_sum(const std::string& module, const std::string& version) = 0;
  virtual SumRemark remark(const std::string& /*module*/) const { return {}; }
  // What is there under a zip's or a go.mod's name and is about to be compared with its sum.
  virtual Status offer(const mod::ProxyRequest& /*request*/, const mod::ByteSource& /*bytes*/) {
    return {};
  }
};

class ModuleSums final : public SumSource {
 public:
  // `directory`: for the proofs, the head and evidence; it exists. Contacts nobody.
  ModuleSums(std::unique_ptr<tlog::TileSource> source, tlog::VerifierKey key, std::string directory,
             const Clock& clock);

  // Any thread; those that wait at the same time share their requests. kNotFound: the log says that
  // it has no such record, so nothing that a proxy has under this name can be trusted. kUntrusted:
  // something does not verify, with the evidence's file in the message when the log misbehaved;
  // from then on every call that needs the log fails with it. kUnavailable, kIo.
  Result<Sums> find(const std::string& module, const std::string& version);
  Result<std::string> zip_sum(const std::string& module, const std::string& version) override;
  Result<std::string> gomod_sum(const std::string& module, const std::string& version) override;

 private:
  struct Asked;
  Result<Sums> find_kept(const std::string& module, const std::string& version) const;
  std::vector<Result<Sums>> ask(const std::vector<Asked*>& batch);
  Status anchor();
  Status compare(const tlog::Checkpoint& head, const std::string& what);
  Status remember();

  const std::unique_ptr<tlog::TileSource> source_;
  const std::string directory_;
  const Clock& clock_;
  // The three below belong to whoever set `asking_`.
  tlog::Client client_;
  std::optional<tlog::Checkpoint> newest_;  // the largest head
  std::optional<Error> halted_;             // the log misbehaved

  Mutex mutex_;
  Condition answered_;
  bool asking_ GW_GUARDED_BY(mutex_) = false;
  std::vector<Asked*> waiting_ GW_GUARDED_BY(mutex_);
};

// A proof as a file: the hashes, then the log's reply to the lookup. For tests.
std::string format_kept_proof(const tlog::VerifiedLookup& lookup);
// kUntrusted unless the record is proven in a head that the key signed.
Result<Sums> open_kept_proof(std::string_view text, const tlog::VerifierKey& key,
                             std::string_view module, std::string_view version);

}  // namespace gw::build
