// gwtool check: what is newer, for modules, toolchains and a domain's own software.
#include <fmt/format.h>

#include <utility>

#include "check/checker.h"
#include "check_group.h"
#include "commands.h"
#include "frame/input.h"
#include "module/goversion.h"
#include "os/file.h"

namespace gw::cmd {
namespace {

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

Command module_command(const std::shared_ptr<CheckValues>& v) {
  struct Values {
    ProveValues prove;
    bool major = false;
    RetractedValues retracted;
    std::string private_patterns;
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
  add_private(c, &m->private_patterns);
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
      GW_TRY(auto list, check::parse_request_list(text));
      ctx.out.detail(check::list_summary(list));
      std::move(list.requests.begin(), list.requests.end(), std::back_inserter(requests));
    }
    check::leave_out_private(requests, m->private_patterns);
    return run_check(ctx, *v,
                     {.command = "check module",
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
                     {.command = "check toolchain",
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
        {.command = "check updates", .zone = u->domain, .ask = [&](check::Checker& checker) {
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
  c.other_word = [](std::string_view word) -> std::string {
    if (mod::parse_go_version(word))
      return fmt::format("did you mean gwtool check toolchain {}?", word);
    // A file that another of the commands reads; a module's path has no such end.
    const std::string_view name = word.substr(word.rfind('/') + 1);
    for (const auto& [file, command] :
         {std::pair{"go.mod", "gomod"}, std::pair{"go.sum", "gosum"}}) {
      if (name == file) return fmt::format("did you mean gwtool check {} {}?", command, word);
    }
    const auto request = check::parse_module_request(word);
    if (!request.module && os::is_regular_file(std::string(word))) {
      return fmt::format("did you mean gwtool check binary {}?", word);
    }
    return request.module ? fmt::format("did you mean gwtool check module {}?", word) : "";
  };
  add_resolver(c, &v->resolver, {});
  add_dnssec(c, &v->policy);
  c.add(path_option("state", "FILE", &v->state, PathUse::kState,
                    "remember what was reported, and report each version once"));
  c.add(module_command(v));
  c.add(toolchain_command(v));
  c.add(updates_command(v));
  add_check_files(c, v);
  add_check_gosum(c, v);
  return c;
}

}  // namespace gw::cmd
