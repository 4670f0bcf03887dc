// What the commands of check share: the options, and the way from a question to the exit code.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "check/checker.h"
#include "check/found_file.h"
#include "check/outcome.h"
#include "check/prover.h"
#include "frame/options.h"
#include "groups.h"
#include "tlog/note.h"
#include "tlog/source.h"

namespace gw::cmd {

// Of all of them.
struct CheckValues {
  ResolverValues resolver;
  check::Policy policy = check::Policy::kPrefer;
  std::optional<std::string> state;
};

// Of those that can prove what they report: --dns, --prove, --db and where the log is.
struct ProveValues {
  std::string dns = "l.gopherwatch.org";
  LogSourceValues log;
  bool prove = false;
  std::optional<std::string> db;
};
void add_prove(Command& command, ProveValues* out);

struct RetractedValues {
  bool wanted = false;
  std::string goproxy = "https://proxy.golang.org";
};
void add_retracted(Command& command, RetractedValues* out);

// --private: modules whose names leave the machine in no question.
void add_private(Command& command, std::string* out);

// What is needed to ask the log, checked before the first packet.
struct CheckedLog {
  std::unique_ptr<tlog::TileSource> source;
  tlog::VerifierKey key;
};
Result<CheckedLog> make_checked_log(const LogSourceValues& v, MonoTime deadline);
// `db`: beside which the log's head and evidence are kept.
check::ProverOptions prover_options(const std::optional<std::string>& db, WallTime now);
// Prints what is wrong with the log's heads; the exit code for it.
int report_proving(Context& ctx, const check::ProveResult* proving);

// What one of the commands asks.
struct Question {
  std::string command;                 // "check module"
  std::string zone;                    // that answers
  const ProveValues* prove = nullptr;  // null: the command proves nothing
  bool major = false;
  bool next = false;
  const RetractedValues* retracted = nullptr;  // null: the command has no go.mod to ask for
  std::string platform = {};
  std::span<const check::FoundFile> files = {};  // that it is about
  std::function<std::vector<check::Outcome>(check::Checker&)> ask;
};

// From a checker to the exit code.
Result<int> run_check(Context& ctx, const CheckValues& v, const Question& q);

// Add the commands gomod and binary (check_files.cc), and gosum (check_gosum.cc).
void add_check_files(Command& command, const std::shared_ptr<CheckValues>& v);
void add_check_gosum(Command& command, const std::shared_ptr<CheckValues>& v);

}  // namespace gw::cmd
