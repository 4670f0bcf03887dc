// gwtool check: what is newer, for modules, toolchains and a domain's own software.
#include <unistd.h>

#include <array>
#include <cerrno>

#include "check/checker.h"
#include "check/prover.h"
#include "check/report.h"
#include "check/reported.h"
#include "commands.h"
#include "groups.h"
#include "net/resolver.h"
#include "net/source.h"
#include "store/remembered_head.h"
#include "tlog/client.h"
#include "tlog/note.h"

namespace gw::cmd {
namespace {

constexpr std::size_t kMaxList = std::size_t{16} << 20;

struct CheckValues {
  ResolverValues resolver;
  std::optional<std::string> state;
};

struct ProveValues {
  std::string dns = "l.gopherwatch.org";
  LogSourceValues log;
  bool prove = false;
  std::optional<std::string> db;
};

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

Result<std::string> read_stdin() {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading standard input", errno);
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > kMaxList) return usage_error("standard input: more than 16 MB");
  }
}

check::Policy policy(Dnssec d) {
  switch (d) {
    case Dnssec::kRequire:
      return check::Policy::kRequire;
    case Dnssec::kPrefer:
      return check::Policy::kPrefer;
    case Dnssec::kOff:
      return check::Policy::kOff;
  }
  return check::Policy::kRequire;
}

std::string_view dnssec_name(Dnssec d) {
  static constexpr std::string_view kNames[] = {"require", "prefer", "off"};
  return kNames[static_cast<std::size_t>(d)];
}

Result<net::Resolver> make_resolver(const ResolverValues& v) {
  net::ResolverOptions options;
  options.resolver = v.resolver.value_or("");
  options.trust_anchor_file = v.trust_anchor.value_or("");
  options.validate = v.dnssec != Dnssec::kOff;
  return net::Resolver::create(std::move(options));
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
  tlog::Client client(*log.source, log.key);
  check::ProverOptions options;
  options.now = now;
  if (v.db) {
    options.remembered_file = store::remembered_head_path(*v.db);
    options.evidence = *v.db + ".check-evidence";
  }
  return check::prove(client, options, found);
}

// check's precedence: verification failed, temporary, bad request, failed, news.
int worst(int a, int b) {
  static constexpr std::array<int, 6> kOrder = {kExitUntrusted, kExitTemporary, kExitUsage,
                                                kExitFailed,    kExitNewer,     kExitDone};
  for (const int code : kOrder) {
    if (a == code || b == code) return code;
  }
  return a;
}

int report_errors(Context& ctx, std::span<const check::Outcome> found,
                  const check::ProveResult* proving) {
  int code = kExitDone;
  for (const auto& outcome : found) {
    if (outcome.newer) code = worst(code, kExitNewer);
    for (const auto& error : outcome.errors) {
      ctx.out.error(error);
      code = worst(code, exit_code(error.kind));
    }
  }
  if (proving != nullptr && proving->evidence) {
    const check::KeptEvidence& kept = *proving->evidence;
    ctx.out.lines(tlog::format_evidence(kept.evidence, kept.file));
  }
  if (proving != nullptr && proving->error) {
    ctx.out.error(*proving->error);
    code = worst(code, exit_code(proving->error->kind));
  }
  return code;
}

void report_notices(Context& ctx, std::span<const check::Outcome> found) {
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

// The part that all three commands share, from a checker to the exit code.
Result<int> run_check(Context& ctx, check::Kind kind, const CheckValues& v, const ProveValues* p,
                      std::string platform, bool major, bool next,
                      const std::function<std::vector<check::Outcome>(check::Checker&)>& ask) {
  const MonoTime deadline = ctx.clock.mono() + v.resolver.timeout;
  GW_TRY(auto log, make_log(p, deadline));
  GW_TRY(auto resolver, make_resolver(v.resolver));
  std::optional<check::Reported> state;
  if (v.state) {
    GW_TRY(state, check::Reported::open(*v.state));
  }
  check::Checker checker(resolver, {.dns_base = p != nullptr ? p->dns : "",
                                    .policy = policy(v.resolver.dnssec),
                                    .major = major,
                                    .next = next,
                                    .platform = std::move(platform),
                                    .deadline = deadline});
  std::vector<check::Outcome> found = ask(checker);
  if (state) state->mark(found);
  std::optional<check::ProveResult> proving;
  if (log) proving = run_prove(*log, *p, ctx.clock.now(), found);
  const check::ProveResult* proven = proving ? &*proving : nullptr;
  if (ctx.json) {
    ctx.out.json(check::report_json({.dns_base = p != nullptr ? p->dns : "",
                                     .dnssec = std::string(dnssec_name(v.resolver.dnssec)),
                                     .proving = proven,
                                     .log_name = log ? log->key.name() : ""},
                                    kind, found));
  } else {
    for (const auto& line : check::report_lines(found)) ctx.out.line(line);
  }
  report_notices(ctx, found);
  const int code = report_errors(ctx, found, proven);
  GW_CHECK(ctx.out.flush());
  if (state) GW_CHECK(state->save(found));
  return code;
}

Command module_command(const std::shared_ptr<CheckValues>& v) {
  struct Values {
    ProveValues prove;
    bool major = false;
    std::vector<std::string> paths;
  };
  auto m = std::make_shared<Values>();
  Command c("module", "newer versions of Go modules");
  c.doc =
      "Prints `PATH VERSION TIME` for the latest release of each module or, where a version is "
      "given, only when there is a newer one. TIME is when the log's record was discovered.";
  add_prove(c, &m->prove);
  c.add(flag_option("major", &m->major, "report later major versions (PATH/v2, PATH/v3, ...) too"));
  c.add(positionals("PATH[@VERSION]", &m->paths, true,
                    "module path, or - to read a list from standard input")
            .more("A list has a PATH[@VERSION] a line; # starts a comment."));
  c.run = [v, m](Context& ctx) -> Result<int> {
    std::vector<check::ModuleRequest> requests;
    for (const auto& path : m->paths) {
      if (path != "-") {
        requests.push_back(check::parse_module_request(path));
        continue;
      }
      GW_TRY(const auto text, read_stdin());
      for (auto& request : check::parse_request_list(text)) requests.push_back(std::move(request));
    }
    return run_check(ctx, check::Kind::kModule, *v, &m->prove, "", m->major, false,
                     [&](check::Checker& checker) { return checker.modules(requests); });
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
    return run_check(ctx, check::Kind::kToolchain, *v, &t->prove, t->platform, false, t->next,
                     [&](check::Checker& checker) {
                       return std::vector<check::Outcome>{checker.toolchain(t->version)};
                     });
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
    return run_check(ctx, check::Kind::kUpdates, *v, nullptr, "", false, false,
                     [&](check::Checker& checker) {
                       return std::vector<check::Outcome>{checker.updates(u->domain, u->version)};
                     });
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
  add_resolver(c, &v->resolver);
  c.add(path_option("state", "FILE", &v->state, PathUse::kState,
                    "remember what was reported, and report each version once"));
  c.add(module_command(v));
  c.add(toolchain_command(v));
  c.add(updates_command(v));
  return c;
}

}  // namespace gw::cmd
