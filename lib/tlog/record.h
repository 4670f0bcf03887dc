// A log's records: texts, and those of which it has been proven that the log holds them.
#pragma once

#include <cstdint>
#include <string_view>

namespace gw::tlog {

// x/mod's rule for any record's text: UTF-8, no control characters but LF, no blank line, ends in
// LF, not empty.
bool is_record_text(std::string_view text);

// A record whose place in a log has been proven. Views into what made it (VerifiedBatch,
// VerifiedLookup), which must outlive it. Nothing else can make one.
class VerifiedRecord {
 public:
  std::uint64_t number() const { return number_; }
  std::string_view text() const { return text_; }
  // Of the form that the log's format says. False: only number and text mean anything.
  bool regular() const { return module_bytes_ != 0; }
  // The record begins with both, a space behind each.
  std::string_view module() const { return text_.substr(0, module_bytes_); }
  std::string_view version() const { return text_.substr(module_bytes_ + 1UL, version_bytes_); }

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
