// What differs between logs that are otherwise verified alike: the first line of the text that
// their heads sign, the form of their records, and how one is asked for by its key.
//
// Nothing else in this room knows what a log is about, but for evidence, which may be about either.
// There are two: the Go checksum database (go_log.h) and a build service's log (build_log.h). A
// format is a constant that outlives all that is made with it; its functions are pure and may be
// called from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::tlog {

// What a regular record of either log begins with. Views into it.
struct RecordSubject {
  std::string_view module;   // a module's path, 1 to 4096 bytes
  std::string_view version;  // 1 to 1024 bytes
};

// The first line of a head's text in the sumdb dialect, whatever the log is about.
inline constexpr std::string_view kSumdbOrigin = "go.sum database tree";

struct LogFormat {
  // As --log-form and databases spell it: "go", "build".
  std::string_view name;
  // The first line of a head's text, without its line feed.
  std::string_view origin;
  // Nothing for a record of another form, which is "irregular": it is hashed and kept like any
  // other, but nothing is read out of it. On the follower's hot path: one pass, no allocation.
  std::optional<RecordSubject> (*find_subject)(std::string_view record);
  // What a regular record is found by; at most one record of a log should have it.
  std::string (*key_of)(std::string_view record);
  // Where the log keeps the record, below its base URL: "lookup/...". kUsage for no key.
  Result<std::string> (*lookup_path)(std::string_view key);
  // Whether an authenticated record is the one that `key` asks for; kUntrusted when not.
  Status (*check_answer)(std::string_view record, std::string_view key);
};

// For check_answer(): kUntrusted.
Error another_record_error(std::string_view key);

}  // namespace gw::tlog
