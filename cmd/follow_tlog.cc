// gwtool follow-tlog: a transparency log, verified, into a database.
#include <fmt/format.h>

#include "base/json.h"
#include "commands.h"
#include "follow/running.h"
#include "follow/status.h"
#include "follow_group.h"
#include "os/confine.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/stop.h"
#include "os/user.h"
#include "sqlite/sqlite.h"
#include "store/database_check.h"
#include "store/reader.h"
#include "tlog/build_log.h"
#include "tlog/evidence_check.h"
#include "tlog/go_log.h"
#include "tlog/note.h"

namespace gw::cmd {
namespace {

struct Values {
  std::string db;
  FollowValues follow;
  bool once = false;
  bool status = false;
  bool clear_alarm = false;
  bool check_db = false;
  std::string evidence;
};

Result<int> print_status(Context& ctx, const Values& v) {
  GW_TRY(store::Reader reader, store::Reader::open(v.db));
  auto state = reader.state();
  if (!state) return std::move(state).error().in(v.db);
  const auto room = os::free_bytes(os::directory_of(os::real_path(v.db)));
  const follow::StatusReport report =
      follow::judge(*state, ctx.clock.now(), v.follow.max_age,
                    room ? std::optional<std::uint64_t>(*room) : std::nullopt);
  const auto running = follow::find_running(v.db);
  if (ctx.json) {
    Json document = follow::status_json(report);
    if (running) document["follower"] = follow::running_json(*running);
    ctx.out.json(document);
  } else if (!ctx.quiet || report.standing != follow::Standing::kCurrent) {
    // With -q a line for cron, which mails what is printed.
    for (const std::string& line : follow::format_status(report)) ctx.out.line(line);
    if (running) ctx.out.line(follow::format_running(*running));
  }
  switch (report.standing) {
    case follow::Standing::kCurrent:
      return kExitDone;
    case follow::Standing::kBehind:
      return kExitFailed;
    case follow::Standing::kHalted:
      return kExitUntrusted;
  }
  return kExitFailed;
}

Result<int> check_db(Context& ctx, const Values& v, const os::Stop& stop,
                     const os::SignalThread& signals) {
  auto found = store::check_database(v.db, [&] { return !stop.requested(); });
  if (signals.stopped_by() != 0) return kExitInterrupted;
  if (!found) return std::move(found).error();
  if (ctx.json) {
    ctx.out.json({{"good", found->faults.empty()},
                  {"heads", found->heads},
                  {"roots", found->roots},
                  {"records", found->records},
                  {"records_hashed", found->hashed},
                  {"modules", found->modules},
                  {"faults", found->faults}});
  } else if (found->faults.empty() && !ctx.quiet) {
    ctx.out.line(
        fmt::format("good: {} records of {} modules, {} of them hashed anew; {} signed "
                    "heads, the trees of {} made anew",
                    found->records, found->modules, found->hashed, found->heads, found->roots));
  }
  if (found->faults.empty()) return kExitDone;
  for (const std::string& fault : found->faults) {
    Error error = corrupt_error(fmt::format("{}: {}", v.db, fault));
    if (&fault == &found->faults.back()) error.hint = sqlite::kDamagedHint;
    ctx.out.error(error);
  }
  return kExitFailed;
}

Result<int> clear(Context& ctx, const Values& v) {
  if (!os::file_exists(v.db)) return not_found_error(v.db + ": no database there");
  std::optional<tlog::VerifierKey> key;
  if (ctx.given("log-key")) {
    GW_TRY(key, tlog::VerifierKey::parse(v.follow.log.log_key));
  }
  GW_TRY(const auto alarm, follow::clear_alarm(v.db, ctx.clock.now(), key));
  if (!alarm) {
    ctx.out.note(v.db + ": there is no alarm");
    return kExitDone;
  }
  ctx.out.note(fmt::format("{}: cleared: {}", v.db, alarm->message));
  return kExitDone;
}

Result<int> verify_evidence(Context& ctx, const Values& v) {
  constexpr std::size_t kMaxFile = std::size_t{256} << 20;
  GW_TRY(const tlog::VerifierKey key, tlog::VerifierKey::parse(v.follow.log.log_key));
  GW_TRY(const std::string text, os::read_file(v.evidence, kMaxFile));
  const auto document = parse_json(text);
  if (!document) return usage_error(v.evidence + ": not a file of evidence: no JSON");
  auto found = tlog::check_evidence(*document, key);
  if (!found) return std::move(found).error().in(v.evidence);
  if (ctx.json) {
    ctx.out.json({{"proof", found->proof}, {"finding", found->text}});
  } else if (!ctx.quiet) {
    ctx.out.line((found->proof ? "proven: " : "not proven: ") + found->text);
  }
  return kExitDone;
}

Result<int> follow_once(Context& ctx, const Values& v, const os::Stop& stop,
                        const os::SignalThread& signals) {
  // A one-shot command speaks in messages; events that need nobody stay out of cron's mail.
  const LogLevel level = ctx.verbose ? LogLevel::kDebug : LogLevel::kWarning;
  const Logger log = Logger::messages(ctx.quiet ? LogLevel::kError : level, ctx.out.message_sink());
  GW_TRY(const auto parts, make_follower(ctx, v.follow, v.db, {.log = log, .stop = stop}));
  auto round = parts->follower->run_once(stop);
  // A security error is one also when somebody interrupts.
  const bool halted = !round && round.error().kind == ErrorKind::kUntrusted;
  if (signals.stopped_by() != 0 && !halted) return kExitInterrupted;
  if (!round) return std::move(round).error();
  if (ctx.json) {
    ctx.out.json({{"log", parts->follower->state().log_name},
                  {"records", round->records},
                  {"position", round->position},
                  {"head", round->head},
                  {"new_head", round->new_head}});
  }
  ctx.out.detail(fmt::format("{} new records, {} in all", round->records, round->position));
  return kExitDone;
}

Result<int> follow_on(Context& ctx, const Values& v, const os::Stop& stop,
                      const os::Notifier& notifier) {
  GW_TRY(const auto parts,
         make_follower(ctx, v.follow, v.db, {.log = ctx.log, .stop = stop, .notifier = &notifier}));
  notifier.ready("following");
  auto status = parts->follower->run(stop);
  notifier.stopping();
  GW_CHECK(std::move(status));
  return kExitDone;
}

Result<int> run(Context& ctx, const Values& v) {
  if (!v.evidence.empty()) return verify_evidence(ctx, v);
  if (v.status) return print_status(ctx, v);
  if (v.check_db) {
    os::Stop stop;
    GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
    return check_db(ctx, v, stop, *signals);
  }
  GW_CHECK(os::become_owner_of_directory(v.db));
  if (v.clear_alarm) return clear(ctx, v);
  if (v.follow.form == &tlog::kBuildLog && !ctx.given("log-key")) {
    return usage_error("--log-form build needs --log-key",
                       "the key that is the default is the Go checksum database's");
  }
  const os::Notifier notifier = os::Notifier::from_environment();
  os::Stop stop;
  // Before the first thread. An operator's command may be anything: with one nothing is given up.
  if (v.follow.on_alarm.empty()) {
    GW_TRY(const os::Confinement confined, os::confine({.written = {v.db}}));
    if (!v.once) {
      ctx.log.debug("confined", {{"no_new_privs", confined.no_new_privs ? 1 : 0},
                                 {"landlock_abi", confined.landlock},
                                 {"seccomp", confined.seccomp ? 1 : 0}});
    }
  }
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  if (v.once) return follow_once(ctx, v, stop, *signals);
  return follow_on(ctx, v, stop, notifier);
}

}  // namespace

Command follow_tlog_command() {
  auto v = std::make_shared<Values>();
  Command c("follow-tlog", "follow a transparency log and keep its verified records");
  c.doc =
      "Fetches every record of a Go checksum database, verifies all of it against the log's signed "
      "heads, and stores module versions in one SQLite file, from which serve-dns answers. With "
      "--log-form build it is a build service's log, and what it stores are the records of all "
      "builds.\n\n"
      "A restart goes on where it stopped, and finds out whether the log was rewritten in the "
      "meantime. When the log contradicts itself, following halts: the evidence is printed and "
      "saved beside the database, and every later start ends with 4 until --clear-alarm.";
  c.files = {
      {"DB",
       "the SQLite database of `--db`, with DB-wal and DB-shm beside it. It belongs to one log. "
       "Readers such as serve-dns may be other users: to read the three is enough"},
      {"DB.lock", "held by the one follower; a second one ends with 3 and names its process"},
      {"DB.alarm-TIME.json", "evidence of an alarm"}};
  c.add(path_option("db", "FILE", &v->db, PathUse::kState, "the database")
            .more("Needed for everything but --verify-evidence."));
  c.add(choice_option<const tlog::LogFormat*>(
            "log-form", "FORM", &v->follow.form,
            {{"go", &tlog::kGoLog, "sums of module versions: the Go checksum database"},
             {"build", &tlog::kBuildLog, "sums of binaries: a build service's log"}},
            "what the log's records are about")
            .more("A record of another form is kept, and told. An existing database cannot be "
                  "changed. A build service's log needs its --log-key; without --source it is at "
                  "https://NAME/tlog."));
  add_follow(c, &v->follow);
  c.add(flag_option("once", &v->once, "look once, take in what is new, and end: for cron"));
  c.add(flag_option("status", &v->status, "print how the database stands, without a network")
            .more("Ends with 0 when it is current, 1 when records are missing or the head is older "
                  "than --max-age, 4 when it is halted. With -q nothing is printed when it is "
                  "current, so that cron mails only trouble.")
            .on_command_line_only());
  c.add(flag_option("check-db", &v->check_db, "check that the database is what was written")
            .more("SQLite's own check, every head's signature, the trees that the heads sign made "
                  "anew from what is stored, every record there once and, with --keep records, "
                  "hashed into the tree, and what is served made anew of all versions. Ends with 1 "
                  "and says what is wrong. A follower may run meanwhile.")
            .on_command_line_only());
  c.add(
      flag_option("clear-alarm", &v->clear_alarm, "go on after a security error was looked into")
          .more("Of a module version that the log has twice the first record stays the valid one.")
          .on_command_line_only());
  c.add(path_option("verify-evidence", "FILE", &v->evidence, PathUse::kInput,
                    "check an alarm's evidence, with the log's key alone")
            .more("Says what is proven by it: that the log signed two histories, or holds two "
                  "records for one version. Tiles are not signed: that a log served bad ones is "
                  "not proven by them, and told so. Ends with 4 when the file does not show what "
                  "it says.")
            .on_command_line_only());
  c.rules.push_back([v]() -> Status {
    if (int{v->once} + int{v->status} + int{v->clear_alarm} + int{v->check_db} +
            int{!v->evidence.empty()} >
        1) {
      return usage_error(
          "--once, --status, --check-db, --clear-alarm and --verify-evidence exclude each other");
    }
    if (v->db.empty() && v->evidence.empty()) {
      return usage_error("gwtool follow-tlog needs --db FILE",
                         "the database; on the command line, or db in [follow-tlog] of the file "
                         "given with --config");
    }
    if (v->follow.keep && v->follow.form != &tlog::kGoLog) {
      return usage_error("--keep is for logs of the form go", "of builds every record is kept");
    }
    return {};
  });
  c.run = [v](Context& ctx) { return run(ctx, *v); };
  return c;
}

}  // namespace gw::cmd
