// What a build service answers beside its log, record by record: that the look-up of a record's key
// leads to that record and no other, and that its binary, packed and not, is the one that it says.
//
// For audit_log(), which gives the records; what is looked at is counted. One thread. Errors:
// kUntrusted, naming the record; else the service's, likewise.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "build/build_service.h"
#include "build/log_audit.h"

namespace gw::build {

class AnswerAudit final : public AuditSink {
 public:
  struct Options {
    bool lookups = false;
    bool binaries = false;
    std::function<void(std::string_view)> progress;  // for people; may be null
  };
  // The service must outlive it.
  AnswerAudit(BuildService& service, Options options)
      : service_(service), options_(std::move(options)) {}

  Status take_record(std::uint64_t number, const std::string& text) override;
  Status take_file(const std::string& /*path*/, const std::string& /*bytes*/) override {
    return {};
  }

  // That were asked for, and are what they should be.
  std::uint64_t lookups() const { return lookups_; }
  std::uint64_t binaries() const { return binaries_; }

 private:
  void say(std::string_view what, std::uint64_t number) const;
  Status check_lookup(std::uint64_t number, const std::string& text);
  Status check_binaries(std::uint64_t number, const std::string& text);

  BuildService& service_;
  const Options options_;
  std::uint64_t lookups_ = 0;
  std::uint64_t binaries_ = 0;
};

}  // namespace gw::build
