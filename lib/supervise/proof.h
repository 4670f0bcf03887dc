// A log's files, once fetched by the helper, and once again by the supervisor from what the helper
// sent: so that one piece of code verifies in both, and the second verdict is the one that counts.
//
// One thread. A source outlives its clients.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "build/client.h"
#include "supervise/messages.h"
#include "tlog/source.h"

namespace gw::supervise {

// Remembers what another source gives.
class RecordingSource final : public tlog::TileSource {
 public:
  explicit RecordingSource(tlog::TileSource& source) : source_(source) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override;
  std::string describe() const override { return source_.describe(); }
  const ProofFiles& files() const { return files_; }

 private:
  tlog::TileSource& source_;
  ProofFiles files_;
};

// Gives what was remembered, and no more than was asked for.
class ReplaySource final : public tlog::TileSource {
 public:
  explicit ReplaySource(ProofFiles files) : files_(std::move(files)) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override;
  std::string describe() const override { return "the helper"; }

 private:
  const ProofFiles files_;
};

// The log's word for the build, from the files alone: note, history, inclusion, and the record that
// equals `key` in every field. kUntrusted; kUsage: no key.
Result<build::ProvenBuild> verify_proof(ProofFiles files, const std::string& log_key,
                                        const build::Key& key,
                                        const std::optional<std::string>& remembered);

}  // namespace gw::supervise
