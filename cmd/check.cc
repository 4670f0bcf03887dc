// gwtool check: what is newer, for modules, toolchains and a domain's own software.
#include "check/checker.h"
#include "check/prover.h"
#include "check/report.h"
#include "check/reported.h"
#include "check/retractions.h"
#include "commands.h"
#include "frame/input.h"
#include "groups.h"
#include "module/proxy.h"
#include "net/resolver.h"
#include "net/source.h"
#include "tlog/client.h"
#include "tlog/go_log.h"
#include "tlog/note.h"
#include "tlog/remembered_head.h"

namespace gw::cmd {
namespace {

struct CheckValues {
  ResolverValues resolver;
  check::Policy policy = check::Policy::kPrefer;
  std::optional<std::string> state;
};

struct ProveValues {
  std::string dns = "l.gopherwatch.org";
  LogSourceValues log;
  bool prove = false;
  std::optional<std::string> db;
};

void add_dnssec(Command& command, check::Policy* policy) {
  using check::Policy;
  auto choice = [](Policy p, std::string help) {
    return EnumChoice<Policy>{std::string(check::policy_name(p)), p, std::move(help)};
  };
  command.add(
      choice_option<Policy>(
          "dnssec", "MODE", policy,
          {choice(Policy::kRequire, "only what is proven secure is taken"),
           choice(Policy::kPrefer, "what the zone's owner does not sign is taken too"),
           choice(Policy::kOff, "nothing is validated")},
          "what must be signed")
          .more("An answer that should be signed and is not, or whose signature is wrong, is an "
                "error in the first two modes."));
}

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

// `zone`: what all questions are below.
Result<net::Resolver> make_resolver(const CheckValues& v, const std::string& zone) {
  net::ResolverOptions options;
  options.resolver = v.resolver.resolver.value_or("");
  options.trust_anchor_file = v.resolver.trust_anchor.value_or("");
  options.validate = v.policy != check::Policy::kOff;
  options.need_anchor = true;
  GW_TRY(auto resolver, net::Resolver::create(std::move(options)));
  // Once, not for each of a list's modules.
  if (v.policy != check::Policy::kOff) GW_CHECK(resolver.check_anchor(zone));
  return resolver;
}

// What --prove needs, checked before the first packet.
struct Log {
  std::unique_ptr<tlog::TileSource> source;
  tlog::VerifierKey key;
};
Result<std::optional<Log>> make_log(const ProveValues* v, MonoTime deadline) {
  if (v == nullptr || !v->prove) return std::optional<Log>();
  GW_TRY(auto key, tlog::VerifierKey::parse(v->log.log_key));
  net::SourceOptions options;
  options.log_name = key.name();
  options.source = v->log.source.value_or("");
  options.proxy = v->log.proxy.value_or("");
  options.http.ca_file = v->log.ca_file.value_or("");
  options.http.deadline = deadline;
  GW_TRY(auto source, net::make_source(std::move(options)));
  return std::optional<Log>(Log{std::move(source), std::move(key)});
}

check::ProveResult run_prove(Log& log, const ProveValues& v, WallTime now,
                             std::vector<check::Outcome>& found) {
  tlog::Client client(*log.source, log.key, tlog::kGoLog);
  check::ProverOptions options;
  options.now = now;
  if (v.db) {
    options.remembered_file = tlog::remembered_head_path(*v.db);
    options.evidence = *v.db + ".check-evidence";
  }
  return check::prove(client, options, found);
}

int report_errors(Context& ctx, std::span<const check::Outcome> found,
                  const check::ProveResult* proving) {
  int code = kExitDone;
  for (const auto& outcome : found) {
    if (outcome.newer) code = worse_exit(code, kExitNewer);
    for (const auto& error : outcome.errors) {
      ctx.out.error(error);
      code = worse_exit(code, exit_code(error.kind));
    }
  }
  if (proving != nullptr && proving->evidence) {
    const check::KeptEvidence& kept = *proving->evidence;
    ctx.out.lines(tlog::format_evidence(kept.evidence, kept.file));
  }
  if (proving != nullptr && proving->error) {
    ctx.out.error(*proving->error);
    code = worse_exit(code, exit_code(proving->error->kind));
  }
  return code;
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

struct RetractedValues {
  bool wanted = false;
  std::string goproxy = "https://proxy.golang.org";
};

void add_retracted(Command& c, RetractedValues* v) {
  c.add(flag_option("retracted", &v->wanted, "mark what its authors have retracted or deprecated")
            .more("DNS does not know. The newest go.mod of each module does, which is asked for at "
                  "the module proxy; what comes from there is not proven and only adds a mark."));
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

Status run_retracted(const RetractedValues& v, const std::string& ca_file, MonoTime deadline,
                     std::vector<check::Outcome>& found) {
  check::RetractionOptions options;
  options.http.ca_file = ca_file;
  GW_TRY(options.proxies, mod::parse_proxy_entries(v.goproxy));
  options.http.deadline = deadline;
  return check::mark_retracted(found, options);
}

// What one of the three commands asks.
struct Question {
  check::Kind kind;
  std::string zone;                    // that answers
  const ProveValues* prove = nullptr;  // null: the command proves nothing
  bool major = false;
  bool next = false;
  const RetractedValues* retracted = nullptr;  // null: the command has no go.mod to ask for
  std::string platform = {};
  std::function<std::vector<check::Outcome>(check::Checker&)> ask;
};

// The part that all three share, from a checker to the exit code.
Result<int> run_check(Context& ctx, const CheckValues& v, const Question& q) {
  const std::string dns_base = q.prove != nullptr ? q.prove->dns : "";
  const MonoTime deadline = ctx.clock.mono() + v.resolver.timeout;
  GW_TRY(auto log, make_log(q.prove, deadline));
  GW_TRY(auto resolver, make_resolver(v, q.zone));
  std::optional<check::Reported> state;
  if (v.state) {
    GW_TRY(state, check::Reported::open(*v.state));
  }
  check::Checker checker(resolver, {.dns_base = dns_base,
                                    .policy = v.policy,
                                    .major = q.major,
                                    .next = q.next,
                                    .platform = q.platform,
                                    .deadline = deadline});
  std::vector<check::Outcome> found = q.ask(checker);
  if (state) state->mark(found);
  if (q.retracted != nullptr && q.retracted->wanted) {
    const std::string ca_file = q.prove != nullptr ? q.prove->log.ca_file.value_or("") : "";
    GW_CHECK(run_retracted(*q.retracted, ca_file, deadline, found));
  }
  std::optional<check::ProveResult> proving;
  if (log) proving = run_prove(*log, *q.prove, ctx.clock.now(), found);
  const check::ProveResult* proven = proving ? &*proving : nullptr;
  if (ctx.json) {
    ctx.out.json(check::report_json({.dns_base = dns_base,
                                     .policy = v.policy,
                                     .proving = proven,
                                     .log_name = log ? log->key.name() : ""},
                                    q.kind, found));
  } else {
    // For somebody who looks: what is had, too.
    const bool known = ctx.verbose || ctx.out.settings().shown;
    for (const auto& line : check::report_lines(found, known)) ctx.out.line(line);
  }
  report_notices(ctx, found, state.has_value());
  const int code = report_errors(ctx, found, proven);
  GW_CHECK(ctx.out.flush());
  if (state) GW_CHECK(state->save(found));
  return code;
}

Command module_command(const std::shared_ptr<CheckValues>& v) {
  struct Values {
    ProveValues prove;
    bool major = false;
    RetractedValues retracted;
    std::vector<std::string> paths;
  };
  auto m = std::make_shared<Values>();
  Command c("module", "newer versions of Go modules");
  c.doc =
      "Prints `PATH VERSION TIME` for the latest release of each module or, where a version is "
      "given, only what is newer: the newest release of that version's own major and, on a line of "
      "its own, of a higher major of the same path. TIME is when the log's record was discovered "
      "by "
      "the follower that the zone is served from: in a fresh database, when that took it in. On a "
      "terminal and with --verbose VERSION is `KNOWN -> VERSION`.";
  add_prove(c, &m->prove);
  c.add(
      flag_option("major", &m->major, "report later major versions (PATH/v2, PATH/v3, ...) too")
          .more("From the known major on, also over gaps, up to ten in a row without a release."));
  add_retracted(c, &m->retracted);
  c.add(
      positionals("PATH[@VERSION]", &m->paths, true,
                  "module path, or - to read a list from standard input")
          .more("A list has a PATH[@VERSION] a line, where # starts a comment, or is what `go list "
                "-m all` or `go version -m` prints; a path alone between lines of the former is "
                "the main module and left out. The path of a package is looked up at its module."));
  c.rules.push_back([m] { return check_one_dash(m->paths); });
  c.run = [v, m](Context& ctx) -> Result<int> {
    std::vector<check::ModuleRequest> requests;
    for (const auto& path : m->paths) {
      if (path != "-") {
        requests.push_back(check::parse_module_request(path));
        continue;
      }
      GW_TRY(const auto text, read_standard_input());
      auto list = check::parse_request_list(text);
      ctx.out.detail(check::list_summary(list));
      std::move(list.requests.begin(), list.requests.end(), std::back_inserter(requests));
    }
    return run_check(ctx, *v,
                     {.kind = check::Kind::kModule,
                      .zone = m->prove.dns,
                      .prove = &m->prove,
                      .major = m->major,
                      .retracted = &m->retracted,
                      .ask = [&](check::Checker& checker) { return checker.modules(requests); }});
  };
  return c;
}

Command toolchain_command(const std::shared_ptr<CheckValues>& v) {
  struct Values {
    ProveValues prove;
    bool next = false;
    std::string platform = check::this_platform();
    std::optional<std::string> version;
  };
  auto t = std::make_shared<Values>();
  Command c("toolchain", "newer Go toolchains");
  c.doc =
      "Prints `toolchain VERSION TIME` for the current Go release or, with VERSION, the newest "
      "release of its own minor version; once that is no longer maintained, the current one.";
  add_prove(c, &t->prove);
  c.add(flag_option("next", &t->next, "report release candidates and betas too"));
  c.add(text_option("platform", "GOOS-GOARCH", &t->platform,
                    "with --prove: whose record in the log to prove")
            .default_text("this machine's")
            .check(check::check_platform));
  c.add(positional("VERSION", &t->version, "the Go version you have, such as go1.26.8")
            .check(check::check_go_version));
  c.run = [v, t](Context& ctx) -> Result<int> {
    return run_check(ctx, *v,
                     {.kind = check::Kind::kToolchain,
                      .zone = t->prove.dns,
                      .prove = &t->prove,
                      .next = t->next,
                      .platform = t->platform,
                      .ask = [&](check::Checker& checker) {
                        return std::vector<check::Outcome>{checker.toolchain(t->version)};
                      }});
  };
  return c;
}

Command updates_command(const std::shared_ptr<CheckValues>& v) {
  struct Values {
    std::string domain;
    std::optional<std::string> version;
  };
  auto u = std::make_shared<Values>();
  Command c("updates", "the version that a domain announces for its own software");
  c.doc = "Reads the TXT record at _updates.DOMAIN and prints `DOMAIN VERSION`.";
  c.add(positional("DOMAIN", &u->domain, "the project's domain").check(check::check_domain));
  c.add(positional("VERSION", &u->version, "the version you have, such as v1.2.3")
            .check(check::check_module_version));
  c.run = [v, u](Context& ctx) -> Result<int> {
    return run_check(
        ctx, *v,
        {.kind = check::Kind::kUpdates, .zone = u->domain, .ask = [&](check::Checker& checker) {
           return std::vector<check::Outcome>{checker.updates(u->domain, u->version)};
         }});
  };
  return c;
}

}  // namespace

Command check_command() {
  auto v = std::make_shared<CheckValues>();
  Command c("check", "what is newer, by validated DNS");
  c.doc =
      "Asks DNS for the latest versions and validates the answers with DNSSEC itself. Without a "
      "known version the latest is printed; with one, only what is newer, and the exit code is "
      "100. Nothing is printed when all is current, so that cron mails only news.";
  c.exits = {{kExitDone, "nothing is newer, or no version was given and the latest was printed"},
             {kExitNewer, "something is newer"},
             {kExitFailed, "something has no known release, or failed; the others were done"},
             {kExitUsage, "the command line or the configuration is wrong"},
             {kExitTemporary, "no answer: the resolver or the log cannot be reached"},
             {kExitUntrusted,
              "an answer is forged or a proof fails. Also: the log says that it has no such "
              "version"}};
  c.files = {{"DB.check-head", "the head that `--prove` remembers, with `--db`"},
             {"DB.check-evidence-TIME.json", "evidence that the log misbehaved, never overwritten"},
             {"STATE", "what `--state` remembers"}};
  add_resolver(c, &v->resolver, {});
  add_dnssec(c, &v->policy);
  c.add(path_option("state", "FILE", &v->state, PathUse::kState,
                    "remember what was reported, and report each version once"));
  c.add(module_command(v));
  c.add(toolchain_command(v));
  c.add(updates_command(v));
  return c;
}

}  // namespace gw::cmd
