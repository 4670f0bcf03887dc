// Records of the Go checksum database: two lines with the sums of one module version.
//   M V h1:BASE64\n
//   M V/go.mod h1:BASE64\n
// A log may hold other texts. What is not exactly this form is "irregular": it is hashed and kept
// like any record, but nothing is read out of it. Parsing is one pass, no allocation (about 40 ns).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"

namespace gw::tlog {

inline constexpr std::size_t kSumBytes = 47;  // "h1:" and 44 characters

// Views into the record.
struct RegularRecord {
  std::string_view module;
  std::string_view version;
  std::string_view zip_sum;    // "h1:..." of the module's zip
  std::string_view gomod_sum;  // "h1:..." of its go.mod
};

// Nothing when irregular. Regular: both lines name the same module and version, neither holds a
// space; the version starts with `v` and holds no slash; sums are canonical base64 of 32 bytes; the
// text is a valid record text. That the path is a valid module path and the version semver is not
// checked here.
std::optional<RegularRecord> parse_record(std::string_view text);
std::string format_record(const RegularRecord& record);

// x/mod's rule for any record's text: UTF-8, no control characters but LF, no blank line, ends in
// LF, not empty.
bool is_record_text(std::string_view text);

// "h1:BASE64" <-> 32 bytes.
std::optional<Hash> parse_sum(std::string_view text);
std::string format_sum(const Hash& sum);

// A record whose place in a log has been proven. Views into what made it (VerifiedBatch,
// VerifiedLookup), which must outlive it. Nothing else can make one.
class VerifiedRecord {
 public:
  std::uint64_t number() const { return number_; }
  std::string_view text() const { return text_; }
  // False: only number and text mean anything.
  bool regular() const { return module_bytes_ != 0; }
  std::string_view module() const { return text_.substr(0, module_bytes_); }
  std::string_view version() const { return text_.substr(module_bytes_ + 1UL, version_bytes_); }
  std::string_view zip_sum() const {
    return text_.substr(module_bytes_ + version_bytes_ + 2UL, kSumBytes);
  }
  std::string_view gomod_sum() const {
    return text_.substr(text_.size() - 1 - kSumBytes, kSumBytes);
  }

 private:
  friend class VerifiedBatch;
  friend class VerifiedLookup;
  VerifiedRecord(std::uint64_t number, std::string_view text, std::uint32_t module_bytes,
                 std::uint32_t version_bytes)
      : number_(number), text_(text), module_bytes_(module_bytes), version_bytes_(version_bytes) {}
  std::uint64_t number_;
  std::string_view text_;
  std::uint32_t module_bytes_;  // 0: irregular
  std::uint32_t version_bytes_;
};

}  // namespace gw::tlog
