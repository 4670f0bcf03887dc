#include "check_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "check/prover.h"
#include "check/report.h"
#include "check/reported.h"
#include "check/retractions.h"
#include "module/private_patterns.h"
#include "module/proxy.h"
#include "net/resolver.h"
#include "net/source.h"
#include "tlog/client.h"
#include "tlog/go_log.h"
#include "tlog/remembered_head.h"

namespace gw::cmd {
namespace {

// `zone`: what all questions are below.
Result<net::Resolver> make_resolver(const CheckValues& v, const std::string& zone) {
  net::ResolverOptions options;
  options.resolver = v.resolver.resolver.value_or("");
  options.trust_anchor_file = v.resolver.trust_anchor.value_or("");
  options.validate = v.policy != check::Policy::kOff;
  options.need_anchor = true;
  options.recurse = v.resolver.may_recurse();
  options.patience = std::min<Duration>(options.patience, v.resolver.timeout / 2);
  GW_TRY(auto resolver, net::Resolver::create(std::move(options)));
  // Once, not for each of a list's modules.
  if (v.policy != check::Policy::kOff) GW_CHECK(resolver.check_anchor(zone));
  return resolver;
}

int report_files(Context& ctx, std::span<const check::FoundFile> files) {
  int code = kExitDone;
  for (const check::FoundFile& file : files) {
    if (file.errors.empty()) ctx.out.detail(check::file_summary(file));
    for (const Error& error : file.errors) {
      ctx.out.error(error);
      code = worse_exit(code, exit_code(error.kind));
    }
  }
  return code;
}

// Errors of one kind of which a few lines say as much as thousands.
struct Alike {
  ErrorKind kind;
  std::size_t count = 0;
  const Error* last = nullptr;  // beyond those that were told
};

// What nobody answers fails in the same way for each of a long list, and so do the lines of a file
// that is no list: a few lines say it, and how many more there were. In the JSON document each has
// its own.
int report_errors(Context& ctx, std::span<const check::Outcome> found,
                  const check::ProveResult* proving) {
  constexpr std::size_t kMostAlike = 20;
  std::array<Alike, 2> alike = {Alike{ErrorKind::kUsage}, Alike{ErrorKind::kUnavailable}};
  int code = kExitDone;
  for (const auto& outcome : found) {
    if (outcome.newer) code = worse_exit(code, kExitNewer);
    for (const auto& error : outcome.errors) {
      code = worse_exit(code, exit_code(error.kind));
      const auto those = std::find_if(alike.begin(), alike.end(),
                                      [&](const Alike& a) { return a.kind == error.kind; });
      if (those != alike.end() && ++those->count > kMostAlike) {
        those->last = &error;
      } else {
        ctx.out.error(error);
      }
    }
  }
  for (const Alike& those : alike) {
    if (those.last == nullptr) continue;
    Error error = *those.last;
    if (const std::size_t more = those.count - kMostAlike; more > 1) {
      error.message = fmt::format("{} more like these, the last one: {}", more, error.message);
    }
    ctx.out.error(error);
  }
  return worse_exit(code, report_proving(ctx, proving));
}

// With -q they are not printed, so that they are still to be told.
void forget_remarks(std::span<check::Outcome> found) {
  for (auto& outcome : found) {
    outcome.had.reset();
    outcome.notes.clear();
  }
}

// `remembered`: what was told is told no more, so that cron's mail may have it once.
void report_notices(Context& ctx, std::span<const check::Outcome> found, bool remembered) {
  for (const auto& outcome : found) {
    for (const std::string& note : outcome.notes) {
      if (outcome.noted ? false : remembered || ctx.out.settings().watched) {
        ctx.out.note(note);
      } else {
        ctx.out.detail(note);
      }
    }
  }
  for (const std::string& line : check::had_lines(found)) ctx.out.warn(line);
  const std::string notice = check::insecure_notice(found);
  if (!notice.empty()) {
    // Not a mail a day from cron: only for somebody who looks.
    if (ctx.out.settings().watched) {
      ctx.out.note(notice);
    } else {
      ctx.out.detail(notice);
    }
  }
  for (const auto& outcome : found) {
    if (!outcome.recursed) continue;
    ctx.out.detail("the resolver strips DNSSEC: asked the name servers from the root down instead");
    break;
  }
}

Status run_retracted(const RetractedValues& v, const std::string& ca_file, MonoTime deadline,
                     std::vector<check::Outcome>& found) {
  check::RetractionOptions options;
  options.http.ca_file = ca_file;
  GW_TRY(options.proxies, mod::parse_proxy_entries(v.goproxy));
  options.http.deadline = deadline;
  return check::mark_retracted(found, options);
}

}  // namespace

void add_prove(Command& command, ProveValues* v) {
  command.add(text_option("dns", "BASE", &v->dns, "the DNS zone that serves the answers")
                  .check(check::check_domain));
  command.add(flag_option("prove", &v->prove, "prove each reported version against the log itself")
                  .more("Its lookup, its inclusion, and that the log's signed heads are of one "
                        "history with each other and with the one remembered by --db. A lookup "
                        "can make the log add the version: it proves \"logged now\"."));
  command.add(path_option("db", "FILE", &v->db, PathUse::kState,
                          "with --prove: remember the log's head beside this file")
                  .more("In FILE.check-head; FILE itself, a follower's database or nothing at all, "
                        "is not touched. Without it forks are seen within one call only. The "
                        "evidence of a fork is kept in FILE.check-evidence-TIME.json."));
  add_log_source(command, &v->log);
  command.rules.push_back([v]() -> Status {
    if (v->db && !v->prove) {
      return usage_error("--db without --prove",
                         "--db is where --prove remembers the log's head: give both or none");
    }
    if ((v->log.source || v->log.proxy) && !v->prove) {
      return usage_error(std::string(v->log.source ? "--source" : "--proxy") + " without --prove",
                         "it says where --prove finds the log: nothing is proven without that");
    }
    return {};
  });
}

void add_retracted(Command& c, RetractedValues* v) {
  c.add(flag_option("retracted", &v->wanted, "mark what its authors have retracted or deprecated")
            .more("DNS does not know. The newest go.mod of each module does, which is asked for at "
                  "the module proxy; what comes from there is not proven and only adds a mark. "
                  "That the version you have is retracted is a warning, also where nothing is "
                  "newer."));
  c.add(text_option("goproxy", "LIST", &v->goproxy, "with --retracted: the module proxies to ask")
            .environment("GOPROXY")
            .more("As the go command's GOPROXY; with direct or off the list ends."));
  // Whatever the environment says, it matters to nobody else.
  c.rules.push_back([v]() -> Status {
    if (!v->wanted) return {};
    auto entries = mod::parse_proxy_entries(v->goproxy);
    return entries ? Status() : Status(std::move(entries).error().in("--goproxy"));
  });
}

void add_private(Command& command, std::string* out) {
  command.add(text_option("private", "PATTERNS", out, "modules that nobody is asked about")
                  .environment("GOPRIVATE")
                  .check(mod::check_prefix_patterns)
                  .more("Patterns of module paths, separated by commas, as the go command's "
                        "GOPRIVATE. What matches is noted, and its name leaves the machine in no "
                        "question."));
}

Result<CheckedLog> make_checked_log(const LogSourceValues& v, MonoTime deadline) {
  GW_TRY(auto key, tlog::VerifierKey::parse(v.log_key));
  net::SourceOptions options;
  options.log_name = key.name();
  options.source = v.source.value_or("");
  options.proxy = v.proxy.value_or("");
  options.http.ca_file = v.ca_file.value_or("");
  options.http.deadline = deadline;
  GW_TRY(auto source, net::make_source(options));
  return CheckedLog{std::move(source), std::move(key)};
}

check::ProverOptions prover_options(const std::optional<std::string>& db, WallTime now) {
  check::ProverOptions options;
  options.now = now;
  if (db) {
    options.remembered_file = tlog::remembered_head_path(*db);
    options.evidence = *db + ".check-evidence";
  }
  return options;
}

int report_proving(Context& ctx, const check::ProveResult* proving) {
  if (proving == nullptr) return kExitDone;
  if (proving->evidence) {
    const check::KeptEvidence& kept = *proving->evidence;
    ctx.out.lines(tlog::format_evidence(kept.evidence, kept.file));
  }
  if (!proving->error) return kExitDone;
  ctx.out.error(*proving->error);
  return exit_code(proving->error->kind);
}

Result<int> run_check(Context& ctx, const CheckValues& v, const Question& q) {
  const std::string dns_base = q.prove != nullptr ? q.prove->dns : "";
  const MonoTime deadline = ctx.clock.mono() + v.resolver.timeout;
  std::optional<CheckedLog> log;
  if (q.prove != nullptr && q.prove->prove) {
    GW_TRY(log, make_checked_log(q.prove->log, deadline));
  }
  GW_TRY(auto resolver, make_resolver(v, q.zone));
  std::optional<check::Reported> state;
  if (v.state) {
    GW_TRY(state, check::Reported::open(*v.state, deadline));
  }
  check::Checker checker(resolver, {.dns_base = dns_base,
                                    .policy = v.policy,
                                    .major = q.major,
                                    .next = q.next,
                                    .platform = q.platform,
                                    .deadline = deadline});
  std::vector<check::Outcome> found = q.ask(checker);
  if (q.retracted != nullptr && q.retracted->wanted) {
    const std::string ca_file = q.prove != nullptr ? q.prove->log.ca_file.value_or("") : "";
    GW_CHECK(run_retracted(*q.retracted, ca_file, deadline, found));
  }
  if (state) state->mark(found);
  std::optional<check::ProveResult> proving;
  if (log) {
    tlog::Client client(*log->source, log->key, tlog::kGoLog);
    proving = check::prove(client, prover_options(q.prove->db, ctx.clock.now()), found);
  }
  const check::ProveResult* proven = proving ? &*proving : nullptr;
  if (ctx.json) {
    ctx.out.json(check::report_json({.command = q.command,
                                     .dns_base = dns_base,
                                     .policy = v.policy,
                                     .proving = proven,
                                     .log_name = log ? log->key.name() : "",
                                     .files = q.files},
                                    found));
  } else {
    // For somebody who looks: what is had, too.
    const bool known = ctx.verbose || ctx.out.settings().shown;
    for (const auto& line : check::report_lines(found, known)) ctx.out.line(line);
  }
  report_notices(ctx, found, state.has_value());
  const int code = worse_exit(report_files(ctx, q.files), report_errors(ctx, found, proven));
  GW_CHECK(ctx.out.flush());
  if (ctx.quiet) forget_remarks(found);
  if (state) GW_CHECK(state->save(found));
  return code;
}

}  // namespace gw::cmd
