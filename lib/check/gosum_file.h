// go.sum files against the transparency log: every line is proven to be what the log has, from a
// follower's database or by lookups, or it is an error.
//
//   SumFiles files = read_gosum_files(paths);
//   GW_CHECK(sums_from_database(reader, key, files.lines));   or: prove_sums(client, ..., lines)
//
// A follower's database holds only records that were proven when they came, so that looking a line
// up there needs no network and takes some 10 us. It must keep records (Keep::kRecords).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "check/found_file.h"
#include "check/prover.h"
#include "check/reported.h"
#include "store/reader.h"
#include "tlog/client.h"

namespace gw::check {

struct SumLine {
  enum class State {
    kUnknown,       // nobody was asked yet
    kProven,        // the log has this sum
    kProvenBefore,  // by an earlier call, see mark_proven()
    kPrivate,       // left out
    kFailed,        // `error` says why: kUntrusted, the log has another one
  };
  Place place;
  std::string module, version;
  bool gomod = false;
  std::string sum;
  State state = State::kUnknown;
  std::optional<std::uint64_t> record = {};  // its number in the log
  std::optional<std::string> log_sum = {};   // what the log has
  std::optional<Error> error = {};

  bool open() const { return state == State::kUnknown; }
};

struct SumFiles {
  std::vector<FoundFile> files;
  std::vector<SumLine> lines;
};

// Lines that name no module, no version or an unknown kind of hash have failed (kUsage). A file
// that cannot be read, or is no go.sum, has an error. "-" is not special.
SumFiles read_gosum_files(const std::vector<std::string>& paths);
// The same of a text: pure.
void read_gosum(const std::string& file, std::string_view text, SumFiles& found);

// Lines of modules that these patterns (as in GOPRIVATE) match are left out.
void leave_out_private(std::span<SumLine> lines, std::string_view patterns);

// Lines that an earlier call has proven need no proof again: what the log has once it has for ever.
void mark_proven(const Reported& state, std::span<SumLine> lines);
void remember_proven(std::span<const SumLine> lines, Reported& state);

// Looks all open lines up. kUsage: the database is another log's, or keeps no records. kUntrusted:
// its follower has halted. Lines that are not there fail with kNotFound.
Status sums_from_database(store::Reader& database, std::string_view log_key,
                          std::span<SumLine> lines);

// Looks all open lines up in the log itself, each version once, and proves what it says as for
// releases (prover.h). Lines that it has not fail with kNotFound.
ProveResult prove_sums(tlog::Client& client, const ProverOptions& options,
                       std::span<SumLine> lines);

// "go.sum: 120 lines, 118 proven".
std::string sums_summary(const FoundFile& file, std::span<const SumLine> lines);

// {"command":"check gosum","files":[{"file":…,"lines":…,"errors":[ERROR]}],
//  "lines":[{"file":…,"line":…,"module":…,"version":…,"gomod":…,"sum":…,
//            "state":"proven"|"proven_before"|"private"|"failed","log_sum":…|null,"record":…|null,
//            "error":ERROR|null}],
//  "log":LOG|null}     LOG as in check's other documents (report.h); null with a database
Json sums_json(const SumFiles& files, const ProveResult* proving, const std::string& log_name);

}  // namespace gw::check
