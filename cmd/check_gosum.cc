// gwtool check gosum: go.sum files, every line proven in the log.
#include <optional>
#include <string>
#include <vector>

#include "check/gosum_file.h"
#include "check/report.h"
#include "check/reported.h"
#include "check_group.h"
#include "store/reader.h"
#include "tlog/client.h"
#include "tlog/go_log.h"

namespace gw::cmd {
namespace {

struct GoSumValues {
  LogSourceValues log;
  bool prove = false;
  std::optional<std::string> db;
  std::string private_patterns;
  std::vector<std::string> paths;

  bool offline() const { return db && !prove; }
};

// By the database, or by the log itself: then with what came of the heads.
Result<std::optional<check::ProveResult>> prove_lines(Context& ctx, MonoTime deadline,
                                                      const GoSumValues& s,
                                                      check::SumFiles& files) {
  if (s.offline()) {
    GW_TRY(auto database, store::Reader::open(*s.db));
    if (auto done = check::sums_from_database(database, s.log.log_key, files.lines); !done) {
      return std::move(done).error().in(*s.db);
    }
    return std::optional<check::ProveResult>();
  }
  GW_TRY(auto log, make_checked_log(s.log, deadline));
  tlog::Client client(*log.source, log.key, tlog::kGoLog);
  return std::optional(
      check::prove_sums(client, prover_options(s.db, ctx.clock.now()), files.lines));
}

int report_lines(Context& ctx, const check::SumFiles& files) {
  int code = kExitDone;
  for (const check::FoundFile& file : files.files) {
    if (file.errors.empty()) ctx.out.detail(check::sums_summary(file, files.lines));
    for (const Error& error : file.errors) {
      ctx.out.error(error);
      code = worse_exit(code, exit_code(error.kind));
    }
  }
  for (const check::SumLine& line : files.lines) {
    if (!line.error) continue;
    ctx.out.error(*line.error);
    code = worse_exit(code, exit_code(line.error->kind));
  }
  return code;
}

Result<int> run_gosum(Context& ctx, const CheckValues& v, const GoSumValues& s) {
  check::SumFiles files = check::read_gosum_files(s.paths);
  check::leave_out_private(files.lines, s.private_patterns);
  const MonoTime deadline = ctx.clock.mono() + v.resolver.timeout;
  std::optional<check::Reported> state;
  if (v.state) {
    GW_TRY(state, check::Reported::open(*v.state, deadline));
    check::mark_proven(*state, files.lines);
  }
  GW_TRY(const auto proving, prove_lines(ctx, deadline, s, files));
  const check::ProveResult* result = proving ? &*proving : nullptr;
  if (ctx.json)
    ctx.out.json(check::sums_json(files, result, s.log.log_key.substr(0, s.log.log_key.find('+'))));
  const int code = worse_exit(report_lines(ctx, files), report_proving(ctx, result));
  GW_CHECK(ctx.out.flush());
  if (state) {
    check::remember_proven(files.lines, *state);
    GW_CHECK(state->save({}));
  }
  return code;
}

}  // namespace

void add_check_gosum(Command& command, const std::shared_ptr<CheckValues>& v) {
  auto s = std::make_shared<GoSumValues>();
  Command c("gosum", "go.sum files, every line proven in the log");
  c.doc =
      "Looks every line up in the log, or in a follower's database that keeps records, which needs "
      "no network. Nothing is printed when the log has all of them; a line that differs from the "
      "log is an error with both sums. With `--state` lines that were proven are proven once.";
  c.add(path_option("db", "FILE", &s->db, PathUse::kState,
                    "a database of follow-tlog --keep records to look lines up in")
            .more("With --prove the log is asked all the same, and its head remembered in "
                  "FILE.check-head."));
  c.add(flag_option("prove", &s->prove, "ask the log itself, also with --db"));
  add_log_source(c, &s->log);
  add_private(c, &s->private_patterns);
  c.add(positionals("FILE|DIR", &s->paths, true, "go.sum files, or directories that have one"));
  c.rules.push_back([s]() -> Status {
    if (!s->offline() || !(s->log.source || s->log.proxy)) return {};
    return usage_error(std::string(s->log.source ? "--source" : "--proxy") + " with --db",
                       "the database is asked, not the log: with --prove both");
  });
  c.run = [v, s](Context& ctx) { return run_gosum(ctx, *v, *s); };
  command.add(std::move(c));
}

}  // namespace gw::cmd
