// A build service's client: what its log says a build's bytes are, and those bytes.
//
//   GW_TRY(auto build, prove_build(client, key, remembered));   // note, consistency, inclusion
//   GW_TRY(auto sum, download(http, base, build, sink));        // never a byte too many
//
// Nothing of a service is believed but what its log has signed: prove_build() is the only way to a
// ProvenBuild. Errors: the source's; kNotFound: it cannot be built, says the service; kUntrusted:
// something does not verify. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/result.h"
#include "build/key.h"
#include "net/http.h"
#include "tlog/client.h"

namespace gw::build {

// Where a service's downloads lie; its log is at BASE/tlog. `url` may be either of them; empty: as
// the key's name has it. kUsage.
Result<std::string> service_base(std::string_view url, std::string_view key_name);

class ProvenBuild {
 public:
  const Key& key() const { return key_; }
  std::uint64_t size() const { return size_; }
  const std::string& sum() const { return sum_; }
  const tlog::Checkpoint& head() const { return head_; }
  // The head to remember: the larger one.
  const std::string& newest_note() const { return newest_note_; }
  // Of the binary, below the service's base.
  std::string download_path() const;

 private:
  friend Result<ProvenBuild> prove_build(tlog::Client& client, const Key& key,
                                         const std::optional<std::string>& remembered);
  ProvenBuild(Key key, std::uint64_t size, std::string sum, tlog::Checkpoint head,
              std::string newest_note)
      : key_(std::move(key)),
        size_(size),
        sum_(std::move(sum)),
        head_(std::move(head)),
        newest_note_(std::move(newest_note)) {}
  Key key_;
  std::uint64_t size_;
  std::string sum_;
  tlog::Checkpoint head_;
  std::string newest_note_;
};

// `client`: of kBuildLog. `remembered`: the note of a head that was seen before; the log must not
// have another history since. A contradiction carries its evidence (tlog/evidence.h).
Result<ProvenBuild> prove_build(tlog::Client& client, const Key& key,
                                const std::optional<std::string>& remembered);

using Sink = std::function<Status(std::string_view bytes)>;

// The whole binary, in pieces to `sink`, whose error ends it. What was cut goes on where it ended,
// a few times. Nothing is verified but the length: whoever writes the bytes hashes them.
Status download(net::HttpClient& http, const std::string& base, const ProvenBuild& build,
                const Sink& sink);

}  // namespace gw::build
