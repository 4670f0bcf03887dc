// What a client believes of a build service, and where things lie there: paths, the proof of a
// record, the history of heads, a binary's bytes. Nothing here touches the disk, so that it also
// serves who verifies in another process than downloads; log_client.h keeps heads in files.
//
//   GW_TRY(auto build, prove_build(client, key, remembered));   // note, consistency, inclusion
//   GW_TRY(auto sum, download(http, base, build, sink));        // never a byte too many
//
// Nothing of a service is believed but what its log has signed: prove_build() is the only way to a
// ProvenBuild. Errors: the source's; kNotFound: it cannot be built, says the service; kUntrusted:
// something does not verify. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "build/key.h"
#include "net/http.h"
#include "os/stop.h"
#include "tlog/client.h"

namespace gw::build {

// ---- places ----

// Pages and binaries lie beside the log: the place of the log (URL or directory) without its /tlog.
std::string pages_place(std::string_view log_place);
// Where a service's downloads lie; its log is at BASE/tlog. `url` may be either of them; empty: as
// the key's name has it. kUsage.
Result<std::string> service_base(std::string_view url, std::string_view key_name);

// ---- proofs ----

class ProvenBuild {
 public:
  const Key& key() const { return key_; }
  std::uint64_t size() const { return size_; }
  const std::string& sum() const { return sum_; }
  // As the log has it, and its number there.
  const std::string& record() const { return record_; }
  std::uint64_t number() const { return number_; }
  const tlog::Checkpoint& head() const { return head_; }
  // The head to remember: the larger one.
  const std::string& newest_note() const { return newest_note_; }
  // Of the binary, below the service's base.
  std::string download_path() const { return binary_path(key_, sum_); }

 private:
  friend class BuildProver;
  explicit ProvenBuild(tlog::Checkpoint head) : head_(std::move(head)) {}
  Key key_;
  std::uint64_t size_ = 0;
  std::string sum_;
  std::string record_;
  std::uint64_t number_ = 0;
  tlog::Checkpoint head_;
  std::string newest_note_;
};

// The note to remember, once `head` and the one that was seen before are known to be of one
// history: the larger one's. A contradiction carries its evidence (tlog/evidence.h).
// `remembered`: a note. `what` says in the evidence where it was.
Result<std::string> newest_head(tlog::Client& client, const std::optional<std::string>& remembered,
                                const tlog::Checkpoint& head, std::string_view what = "remembered");
// newest_head() of what somebody remembers, and keeps: called with each head as soon as it is known
// to be the log's, before anything else about the answer is told.
using Remember = std::function<Result<std::string>(const tlog::Checkpoint& head)>;

// `client`: of kBuildLog. `remembered`: the note of a head that was seen before; the log must not
// have another history since.
Result<ProvenBuild> prove_build(tlog::Client& client, const Key& key,
                                const std::optional<std::string>& remembered);
Result<ProvenBuild> prove_build(tlog::Client& client, const Key& key, const Remember& remember);

// ---- bytes ----

inline constexpr std::uint64_t kMaxBinaryBytes = std::uint64_t{2} << 30U;

using Sink = std::function<Status(std::string_view bytes)>;

struct FileRequest {
  std::string url;
  std::uint64_t size = 0;                       // the most that it may have
  bool exact = true;                            // and no less
  Duration timeout = std::chrono::minutes(10);  // of a piece
  // A server that is busy and says when to come back (503, Retry-After) is asked again then, until
  // this is over. Zero: it is not waited for.
  Duration patience = {};
  const os::Stop* stop = nullptr;  // ends the wait; may be null
};

// All of a file, in pieces to `sink`, whose error ends it. What was cut goes on where it ended, a
// few times. Nothing is verified but the length: whoever takes the bytes hashes them.
Status download(net::HttpClient& http, const FileRequest& file, const Sink& sink);
// A build's binary.
Status download(net::HttpClient& http, const std::string& base, const ProvenBuild& build,
                const Sink& sink);

}  // namespace gw::build
