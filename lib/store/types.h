// What the database says about itself: which log, how far, under which signed head, and what is
// wrong with it. Plain values, no handles; copy them freely.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/crypto.h"
#include "tlog/log_format.h"

namespace gw::store {

// What is kept of each record. It tells the form of the log's records, too.
enum class Keep {
  kVersions,  // module, version, record number
  kRecords,   // also both sums: every record can be rebuilt byte for byte
  kBuilds,    // of a build service's log: each record's text, by its key
};
std::string_view keep_name(Keep keep);  // "versions", "records", "builds"
std::optional<Keep> parse_keep(std::string_view name);
const tlog::LogFormat& format_of(Keep keep);

// A signed head that was verified and proven consistent with all heads before it.
struct Head {
  std::uint64_t size = 0;
  Hash root{};
  std::string note;     // the signed note, verbatim
  WallTime accepted{};  // when this database accepted it: the `t` of the records it brought
};

// A validly signed head that could not be compared yet: larger than our tree, or not shown by the
// log. It is the log's word, and is compared once our tree has got there.
struct UnprovenHead {
  std::uint64_t size = 0;
  Hash root{};
  std::string note;
  std::string origin;  // where it was seen
  WallTime seen{};     // first
};

// A security error that stopped following. It stays until the operator clears it.
struct Alarm {
  std::string kind;      // closed set: fork, equal-size, duplicate, bad-tile
  std::string message;   // one line
  std::string evidence;  // path of the evidence file
  WallTime at{};
};

struct LogState {
  std::string log_name;  // the key's name: "sum.golang.org"
  std::string log_key;   // the whole verifier key
  Keep keep = Keep::kVersions;
  std::uint64_t first_record = 0;   // 0, or the first record of a partial database
  std::uint64_t position = 0;       // records below this (and from first_record) are stored
  std::optional<Head> target;       // the head aimed at: position <= target->size
  std::optional<Head> reached;      // the newest head whose records are all stored
  std::optional<Alarm> alarm;       // set: halted
  std::optional<WallTime> checked;  // when the log was last asked for a head with success
  std::uint64_t modules = 0;        // 0 with Keep::kBuilds
  std::uint64_t builds = 0;         // with Keep::kBuilds: different keys
  std::uint64_t records = 0;        // stored: position - first_record
  std::uint64_t duplicates = 0;     // records that repeat an earlier one exactly
  std::uint64_t conflicts = 0;  // same version or key, other sums; the first record stayed valid
  std::uint64_t irregular = 0;  // records of another form; kept verbatim
  std::uint64_t pending_gossip = 0;  // posts that have not been delivered
  std::uint64_t unproven = 0;        // signed heads that could not be compared with ours yet
  std::uint64_t commit = 0;          // number of the last commit that changed modules
  std::string identity;  // random, made with the database; empty in those of older programs
  // Of records below this, if any are stored, nobody knows whether their version has a go.mod: an
  // older program took them in without keeping their sums.
  std::uint64_t gomod_from = 0;

  bool partial() const { return first_record != 0; }
  // Some signed head is stored in full. False only during a first run.
  bool complete() const { return reached.has_value(); }
  bool halted() const { return alarm.has_value(); }
  bool gomod_unknown() const { return keep != Keep::kBuilds && gomod_from > first_record; }
};

// Which acceptance time records have: those below `size` that no earlier entry covers.
struct HeadTime {
  std::uint64_t size = 0;
  WallTime accepted{};
};

// The `t` of record `record`: the acceptance time of the first head that covers it. `heads` in
// ascending size, as Reader::head_times returns them. None when no head covers it.
std::optional<WallTime> accepted_at(std::span<const HeadTime> heads, std::uint64_t record);

}  // namespace gw::store
