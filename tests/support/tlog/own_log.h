// A log of our own in memory, with both dialects, and its files as a source for the verifying side.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/tlog/memory_log_store.h"
#include "tlog/checkpoint.h"
#include "tlog/go_log.h"
#include "tlog/log_files.h"
#include "tlog/log_signer.h"
#include "tlog/log_writer.h"
#include "tlog/source.h"

namespace gw::testing {

class OwnLog : public tlog::TileSource {
 public:
  // The key of `latest`; that of `checkpoint` is made from its name.
  explicit OwnLog(const tlog::SignerKey& key,
                  tlog::DataTileStyle style = tlog::DataTileStyle::kNumbered)
      : latest(key),
        checkpoint(tlog::SignerKey::from_seed(key.verifier().name() + "/tlog",
                                              as_bytes(sha256(key.verifier().name())))
                       .value()),
        style_(style) {
    open();
  }

  tlog::LogSigners signers() { return {&latest, &checkpoint}; }
  void open() {
    writer_ = tlog::LogWriter::open(store, signers()).value();
    files_ = std::make_unique<tlog::LogFiles>(store, *writer_, style_);
  }
  tlog::LogWriter& writer() { return *writer_; }
  // The body at a path; an empty string when there is none.
  std::string file(std::string_view path) {
    auto read = files_->read(path);
    return read ? read->body : std::string();
  }
  const tlog::LogFiles& files() const { return *files_; }

  // All in one commit, each found by its key when there is one.
  void append(const std::vector<std::string>& records) {
    std::vector<tlog::LogEntry> entries;
    for (const std::string& record : records) entries.push_back({{}, record, nullptr});
    for (const auto& result : writer_->append_all(std::move(entries))) (void)result.value();
  }
  tlog::Checkpoint head() {
    return tlog::Checkpoint::open(writer_->head()->latest, latest.key(), tlog::kGoLog).value();
  }

  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    std::vector<Result<std::string>> out;
    for (const tlog::FetchRequest& r : requests) {
      auto read = files_->read(r.path);
      if (read && read->body.size() > r.max_bytes) {
        out.emplace_back(untrusted_error("longer than asked for: " + r.path));
      } else if (read) {
        out.emplace_back(std::move(read->body));
      } else {
        out.emplace_back(std::move(read).error());
      }
    }
    return out;
  }
  std::string describe() const override { return "own log"; }

  MemoryLogStore store;
  tlog::KeySigner latest;
  tlog::KeySigner checkpoint;

 private:
  tlog::DataTileStyle style_;
  std::unique_ptr<tlog::LogWriter> writer_;
  std::unique_ptr<tlog::LogFiles> files_;
};

}  // namespace gw::testing
