// A build service and what is remembered of it: client.h with the largest head in a file.
//
//   GW_TRY(auto log, LogClient::make(options));
//   GW_TRY(ProvenBuild found, log->find(key));         // signature, history, inclusion, every
//   field GW_TRY(std::string bytes, log->fetch(found));      // no byte more than the record says;
//   the sum GW_CHECK(check_binary(mod::MemorySource(bytes), found.key()));
//
// A head that is not of one history with the remembered one is kUntrusted, with evidence beside
// that file, and so is a service whose key is another than it was. Works against gobuild's logs as
// well, and against a directory that a log was copied to.
//
// One thread at a time. Errors: as build/build_service.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "build/build_service.h"
#include "build/client.h"
#include "build/key.h"
#include "build/logged_binary.h"
#include "net/http.h"
#include "tlog/client.h"
#include "tlog/note.h"
#include "tlog/source.h"

namespace gw::build {

struct LogClientOptions {
  explicit LogClientOptions(tlog::VerifierKey k) : key(std::move(k)) {}
  tlog::VerifierKey key;
  std::string source = {};  // the log's URL or directory; empty: what the key's name says
  std::string state;        // a directory that exists, for this log's head and evidence
  net::HttpOptions http = {};
  // A lookup of what nobody built before is answered when it is built.
  std::chrono::seconds wait = std::chrono::minutes(30);
  std::vector<net::HttpHeader> headers = {};  // with every question to the log
};

class LogClient final : public BuildService {
 public:
  // Contacts nobody. `clock` must outlive it. kUsage: the source.
  static Result<std::unique_ptr<LogClient>> make(LogClientOptions options, const Clock& clock);

  const tlog::VerifierKey& key() const { return options_.key; }
  std::string name() const override { return options_.key.name(); }
  // For people: the URL or directory.
  const std::string& place() const { return place_; }

  Result<Key> resolve(const Key& query) override;
  // The newest head, of one history with those seen before.
  Result<tlog::Checkpoint> latest();
  // The second dialect's head of the same tree, signed by `key`, for copies; empty where the
  // service has none, or one of another size just now. kUntrusted: it is not by the key, or of
  // another tree of that size.
  Result<std::string> checkpoint_of(const tlog::Checkpoint& head, const tlog::VerifierKey& key);
  // For audits and copies.
  tlog::TileSource& source() { return *source_; }
  Result<ProvenBuild> find(const Key& key) override;
  Result<std::string> fetch(const ProvenBuild& found) override;
  Result<std::string> fetch_record(std::string_view record) override;
  Status check_unpacked(std::string_view record) override;

 private:
  LogClient(LogClientOptions options, std::string place, std::unique_ptr<tlog::TileSource> source,
            const Clock& clock);
  Error with_place(Error error) const;
  Result<std::string> remember(const tlog::Checkpoint& head);
  Error keep_evidence(const Error& error) const;
  Result<std::string> fetch_binary(const Key& key, const LoggedBinary& logged);
  Result<std::string> fetch_file(const std::string& path, std::uint64_t max_bytes);

  LogClientOptions options_;
  std::string place_;
  std::unique_ptr<tlog::TileSource> source_;
  tlog::Client client_;
  const Clock& clock_;
  std::optional<net::HttpClient> http_;
};

}  // namespace gw::build
