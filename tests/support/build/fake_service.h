// A build service that says what it is told to, for tests of what is decided by several of them;
// and proven builds to say.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "build/build_service.h"
#include "build/client.h"
#include "build/key.h"
#include "support/tlog/test_log.h"
#include "tlog/client.h"

namespace gw::testing {

// What a service's log proves that built these bytes.
inline Result<build::ProvenBuild> proven_build(const std::string& name, const build::Key& key,
                                               const std::string& bytes) {
  TestLog log(name, tlog::kBuildLog);
  log.append(tlog::format_build_record(
      {key.view(), bytes.size(), build::format_binary_sum(sha256(bytes))}));
  tlog::Client client(log, log.key(), tlog::kBuildLog);
  return build::prove_build(client, key, std::nullopt);
}

class FakeService final : public build::BuildService {
 public:
  explicit FakeService(std::string name) : name_(std::move(name)) {}
  // It has the build, and sends these bytes for it.
  void put(const build::Key& key, const std::string& bytes) {
    builds_.insert_or_assign(build::format_key(key), proven_build(name_, key, bytes));
    bytes_ = bytes;
  }
  void fail(const build::Key& key, Error error) {
    builds_.insert_or_assign(build::format_key(key), std::move(error));
  }
  void send(Result<std::string> bytes) { bytes_ = std::move(bytes); }
  void send_unpacked(Status status) { unpacked_ = std::move(status); }
  void mean(Result<build::Key> key) { meant_ = std::move(key); }

  std::string name() const override { return name_; }
  Result<build::Key> resolve(const build::Key& query) override {
    asked.push_back("resolve " + build::format_key(query));
    return meant_;
  }
  Result<build::ProvenBuild> find(const build::Key& key) override {
    asked.push_back("find " + build::format_key(key));
    const auto found = builds_.find(build::format_key(key));
    if (found != builds_.end()) return found->second;
    return not_found_error("no " + build::format_key(key));
  }
  Result<std::string> fetch(const build::ProvenBuild& found) override {
    return fetch_record(found.record());
  }
  Result<std::string> fetch_record(std::string_view /*record*/) override {
    asked.emplace_back("fetch");
    return bytes_;
  }
  Status check_unpacked(std::string_view /*record*/) override {
    asked.emplace_back("unpacked");
    return unpacked_;
  }

  std::vector<std::string> asked;  // in order

 private:
  const std::string name_;
  std::map<std::string, Result<build::ProvenBuild>> builds_;
  Result<std::string> bytes_ = not_found_error("no bytes");
  Status unpacked_;
  Result<build::Key> meant_ = not_found_error("means nothing");
};

}  // namespace gw::testing
