// gwtool build get, verify: binaries of build services, and what their logs say.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "build/agreement.h"
#include "build/binary_claim.h"
#include "build/builder.h"
#include "build/log_client.h"
#include "build/outputs.h"
#include "build/resolve.h"
#include "build_group.h"
#include "build_service_group.h"
#include "buildd/build_path.h"
#include "module/byte_source.h"
#include "os/signals.h"
#include "os/stop.h"
#include "os/thread.h"
#include "tlog/build_log.h"
#include "tlog/tlog_proof.h"

namespace gw::cmd {

namespace {

// ---- services ----

using Clients = std::vector<std::unique_ptr<build::LogClient>>;

struct Services {
  Clients clients;         // the first one is the service itself, the others are verifiers
  std::size_t wanted = 0;  // that say the same
};

Result<Services> open_services(const BuildServiceValues& v, const Clock& clock,
                               const os::Stop& stop) {
  std::vector<build::ServiceName> named{{v.log_key, v.source.value_or("")}};
  for (const std::string& text : v.verifiers) named.push_back(split_build_service(text));
  GW_CHECK(build::check_different(named));
  Services out;
  GW_TRY(auto first, open_build_service(v, {v.log_key, v.source.value_or("")}, clock, stop));
  out.clients.push_back(std::move(first));
  for (const std::string& text : v.verifiers) {
    GW_TRY(auto other, open_build_service(v, split_build_service(text), clock, stop));
    out.clients.push_back(std::move(other));
  }
  GW_TRY(out.wanted, wanted_servers(v, out.clients.size()));
  return out;
}

// What enough services say.
struct Agreed {
  build::ProvenBuild found;
  std::vector<build::LogClient*> by;
};

// What the one at `from` says, if enough say the same, and no others have as many for another. All
// are asked at once: each may have to build it first. `known`: what that one said already.
Result<Agreed> agree(Context& ctx, const Services& services, const build::ProvenBuild& known,
                     std::size_t from) {
  const Clients& clients = services.clients;
  std::vector<build::ServiceAnswer> answers;
  for (const auto& client : clients) answers.push_back({client->key().name(), known});
  os::run_on_threads(clients.size(), [&](std::size_t i) {
    if (i != from) answers[i].build = clients[i]->find(known.key());
  });
  GW_TRY(build::Agreement agreement, build::find_agreement(answers, services.wanted));
  for (const std::string& warning : agreement.warnings) ctx.out.warn(warning);
  Agreed out{std::move(agreement.build), {}};
  for (const std::size_t i : agreement.by) out.by.push_back(clients[i].get());
  return out;
}

// Asks one service after the other until one knows, where not all have to.
Result<std::pair<build::ProvenBuild, std::size_t>> first_answer(
    Context& ctx, const Services& services,
    const std::function<Result<build::ProvenBuild>(build::LogClient&)>& ask) {
  const std::size_t may_fail = services.clients.size() - services.wanted;
  std::optional<Error> first;
  for (std::size_t i = 0;; ++i) {
    auto found = ask(*services.clients[i]);
    if (found) return std::pair(*std::move(found), i);
    const ErrorKind kind = found.error().kind;
    if (!first) first = found.error();
    // What is wrong with the call is for all. One service may not have what another one has.
    if (kind == ErrorKind::kUntrusted || kind == ErrorKind::kUsage) return found.error();
    if (i >= may_fail) return kind == ErrorKind::kNotFound ? *first : found.error();
    ctx.out.warn(found.error().in("asking " + services.clients[i]->key().name()).message);
  }
}

// From the first one that has it. Who sends other bytes than it has logged is told of.
Result<std::string> fetch_agreed(const Agreed& agreed) {
  for (std::size_t i = 0;; ++i) {
    auto bytes = agreed.by[i]->fetch(agreed.found);
    if (bytes || i + 1 == agreed.by.size()) return bytes;
    if (bytes.error().kind == ErrorKind::kUntrusted) {
      return std::move(bytes).error().in(agreed.by[i]->key().name());
    }
  }
}

// ---- get ----

struct GetValues : BuildServiceValues, BuildTargets {
  std::vector<std::string> packages;
  std::optional<std::string> sum;
  std::string output;
};

// The page of a build says all of it: an option that says otherwise is a mistake.
Status check_options(const GetValues& v, const buildd::BuildPath& path) {
  const build::Key& key = path.key;
  // Perhaps a sum that was cut: nothing would be pinned.
  if (!buildd::is_known_page(path)) {
    return usage_error(gw::quoted(path.page) + ": neither a binary's sum nor a page of a build");
  }
  const bool other_target = std::any_of(v.targets.begin(), v.targets.end(),
                                        [&](const auto& t) { return !(t == key.target); });
  if (!other_target && (!v.go || *v.go == key.go_version) && (!v.stripped || key.stripped) &&
      (!v.sum || path.sum.empty() || *v.sum == path.sum)) {
    return {};
  }
  return usage_error("the path names the whole build: --target, --go, --stripped or --sum differ");
}

// What a package may mean: its module is a part of its path.
std::vector<build::Key> candidates(const buildd::BuildPath& path, const build::Target& target,
                                   const GetValues& v) {
  using Kind = buildd::BuildPath::Kind;
  build::Key key = path.key;
  key.target = target;
  key.go_version = v.go.value_or("latest");
  key.stripped = v.stripped;
  if (path.kind == Kind::kModule) key.version = "latest";
  if (path.key.dir.size() > 1) return {key};
  std::vector<build::Key> out;
  for (const std::string& module : build::candidate_modules(path.key.module)) {
    build::Key candidate = key;
    candidate.module = module;
    candidate.dir = path.key.module.substr(module.size());
    if (candidate.dir.empty()) candidate.dir = "/";
    out.push_back(std::move(candidate));
  }
  return out;
}

// Where the binary goes. `targets`: all of the call, whose files must have different names.
Result<build::Output> output_of(const std::string& to, const build::Key& key,
                                const std::vector<build::Target>& targets) {
  std::vector<build::Key> keys{key};
  for (const build::Target& target : targets) {
    if (target == key.target) continue;
    keys.push_back(key);
    keys.back().target = target;
  }
  GW_TRY(auto outputs, build::name_outputs(to, keys));
  return outputs[0];
}

Status check_absent(const build::Output& output) {
  std::error_code failed;
  const auto there = std::filesystem::symlink_status(output.path(), failed);
  if (there.type() == std::filesystem::file_type::not_found) return {};
  if (there.type() == std::filesystem::file_type::none) {
    return io_error(fmt::format("{}: {}", output.path(), failed.message()));
  }
  return usage_error(output.path() + ": exists already", "remove it, or name another with -o");
}

// `check`: of what a query turned out to be, before a service is asked to build it.
Result<build::ProvenBuild> find_one(build::LogClient& client, build::Key key,
                                    const std::function<Status(const build::Key&)>& check) {
  if (buildd::is_version_query(key) || buildd::is_go_query(key.go_version)) {
    GW_TRY(key, client.resolve(key));
  }
  GW_CHECK(check(key));
  return client.find(key);
}

Result<build::ProvenBuild> find_build(Context& ctx, build::LogClient& client,
                                      const std::vector<build::Key>& keys,
                                      const std::function<Status(const build::Key&)>& check) {
  std::optional<Error> first;
  for (const build::Key& key : keys) {
    ctx.out.progress("asking for " + build::format_key(key));
    auto found = find_one(client, key, check);
    if (found || found.error().kind != ErrorKind::kNotFound) return found;
    if (!first) first = std::move(found).error();
  }
  return *std::move(first);
}

// `sum`: what it must have; empty: what the log says.
Status get_one(Context& ctx, const GetValues& v, const Services& services,
               const std::vector<build::Key>& keys, const std::string& sum) {
  const auto check = [&](const build::Key& key) -> Status {
    GW_TRY(const build::Output to, output_of(v.output, key, v.targets));
    return check_absent(to);
  };
  GW_TRY(const auto first, first_answer(ctx, services, [&](build::LogClient& client) {
           return find_build(ctx, client, keys, check);
         }));
  const build::ProvenBuild& found = first.first;
  GW_TRY(const build::Output output, output_of(v.output, found.key(), v.targets));
  if (!sum.empty() && sum != found.sum()) {
    return untrusted_error(fmt::format("{}: the log has the sum {}, not {}",
                                       build::format_key(found.key()), found.sum(), sum));
  }
  GW_TRY(const Agreed agreed, agree(ctx, services, found, first.second));
  if (agreed.found.record() != found.record()) {
    return untrusted_error(format_key(found.key()) + ": the others agree on another record");
  }
  ctx.out.progress(fmt::format("downloading {} ({} kB)", output.name, found.size() >> 10U));
  GW_TRY(const std::string bytes, fetch_agreed(agreed));
  // From here on the bytes are those of the record; last, they must say so themselves.
  if (auto said = build::check_binary(mod::MemorySource(bytes), found.key()); !said) {
    return untrusted_error(std::move(said).error().message);
  }
  GW_CHECK(build::write_output(output, bytes));
  ctx.out.progress("");
  if (ctx.json) {
    ctx.out.json({{"key", build::format_key(found.key())},
                  {"size", found.size()},
                  {"sum", found.sum()},
                  {"file", output.path()},
                  {"record", found.number()},
                  {"log_size", found.head().size()},
                  {"logs", agreed.by.size()}});
  } else {
    ctx.out.line(fmt::format("{} {} {}", found.sum(), found.size(), output.path()));
  }
  return ctx.out.flush();
}

// A page is of one build.
std::size_t count_binaries(const GetValues& v) {
  std::size_t out = 0;
  for (const std::string& package : v.packages) {
    const auto path = buildd::parse_build_path("/" + package);
    const bool page = path && path->kind == buildd::BuildPath::Kind::kBuild;
    out += page ? 1 : std::max<std::size_t>(1, v.targets.size());
  }
  return out;
}

Result<int> run_get(Context& ctx, const GetValues& v) {
  GW_CHECK(build::check_output(v.output, count_binaries(v)));
  os::Stop stop;
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  GW_TRY(const Services services, open_services(v, ctx.clock, stop));
  int code = kExitDone;
  const auto done = [&](const std::string& package, const Status& status) {
    if (status || stop.requested()) return;
    code = worse_exit(code, exit_code(status.error().kind));
    ctx.out.error(Error(status.error()).in(package));
  };
  for (const std::string& package : v.packages) {
    const auto path = buildd::parse_build_path("/" + package);
    if (!path) {
      done(package, path.error());
    } else if (path->kind == buildd::BuildPath::Kind::kBuild) {
      const Status agrees = check_options(v, *path);
      done(package, agrees ? get_one(ctx, v, services, {path->key},
                                     path->sum.empty() ? v.sum.value_or("") : path->sum)
                           : agrees);
    } else {
      const auto targets = v.targets.empty() ? std::vector{build::host_target()} : v.targets;
      for (const build::Target& target : targets) {
        if (ctx.out.told_failure()) break;  // nobody can be told of the others
        done(package, get_one(ctx, v, services, candidates(*path, target, v), v.sum.value_or("")));
      }
    }
    if (stop.requested() || ctx.out.told_failure()) break;
  }
  ctx.out.progress("");
  return signals->stopped_by() != 0 && code != kExitUntrusted ? kExitInterrupted : code;
}

Command get_command() {
  auto v = std::make_shared<GetValues>();
  Command c("get", "fetch binaries from a build service, proven by its log");
  c.doc =
      "Fetches what a service built, or has it built, and writes it when all of this holds: the "
      "record is in the log's tree under a signed head, that head is of one history with the ones "
      "seen before, the record is of exactly what was asked for, the bytes have its size and sum, "
      "and they say of themselves that they are that build.\n\n"
      "Prints `SUM SIZE FILE` for each. A file that exists is not replaced.";
  c.add(positionals("PACKAGE", &v->packages, true,
                    "MODULE[/DIR][@VERSION], MODULE@VERSION/DIR, or the path of a service's page")
            .more("VERSION may be latest, the default; the service says what it means."));
  add_build_targets(c, v.get());
  c.add(text_option("sum", "SUM", &v->sum, "the sum that it must have"));
  c.add(text_option("output", "FILE|DIR", &v->output, "where the binary goes")
            .default_text("the working directory")
            .short_name('o'));
  add_build_services(c, v.get());
  c.run = [v](Context& ctx) { return run_get(ctx, *v); };
  return c;
}

// ---- verify ----

struct VerifyValues : BuildServiceValues {
  std::vector<std::string> what;
};

Result<build::BinaryClaim> claim_of(const std::string& text) {
  if (text.find('@') == std::string::npos || os::is_regular_file(text))
    return build::claim_of_file(text);
  GW_TRY(const buildd::BuildPath path, buildd::parse_build_path("/" + text));
  if (path.kind != buildd::BuildPath::Kind::kBuild || buildd::is_version_query(path.key) ||
      buildd::is_go_query(path.key.go_version)) {
    return usage_error(gw::quoted(text) + ": neither a file nor a build's key",
                       "MODULE@VERSION/[DIR/]GOOS-GOARCH-GOVERSION[-stripped]/");
  }
  // Perhaps a sum that was cut: nothing would be compared.
  if (!path.page.empty()) return usage_error(gw::quoted(path.page) + ": no binary's sum");
  return build::BinaryClaim{path.key, std::nullopt, path.sum};
}

Status verify_one(Context& ctx, const Services& services, const std::string& text) {
  GW_TRY(const build::BinaryClaim claim, claim_of(text));
  GW_TRY(const auto first, first_answer(ctx, services, [&](build::LogClient& client) {
           return build::find_claim(client, claim);
         }));
  GW_TRY(const Agreed agreed, agree(ctx, services, first.first, first.second));
  const build::ProvenBuild& found = agreed.found;
  GW_CHECK(build::check_claim(claim, found, agreed.by[0]->key().name()));
  if (ctx.json) {
    ctx.out.json({{"what", text},
                  {"key", build::format_key(found.key())},
                  {"size", found.size()},
                  {"sum", found.sum()},
                  {"logs", agreed.by.size()}});
  } else {
    ctx.out.line(fmt::format("{} {} {}", found.sum(), found.size(), text));
  }
  return ctx.out.flush();
}

Result<int> run_verify(Context& ctx, const VerifyValues& v) {
  os::Stop stop;
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  GW_TRY(const Services services, open_services(v, ctx.clock, stop));
  int code = kExitDone;
  for (const std::string& text : v.what) {
    const Status done = verify_one(ctx, services, text);
    if (done) continue;
    if (stop.requested()) break;
    code = worse_exit(code, exit_code(done.error().kind));
    ctx.out.error(done.error().in(text));
    if (ctx.out.told_failure()) break;
  }
  return signals->stopped_by() != 0 && code != kExitUntrusted ? kExitInterrupted : code;
}

Command verify_command() {
  auto v = std::make_shared<VerifyValues>();
  Command c("verify", "compare binaries, or records, with what services' logs say");
  c.doc =
      "A file is compared with the record of the build that it says it is; a build's key stands "
      "for its record. Prints `SUM SIZE WHAT` for each that all logs agree on, exit code 4 when "
      "one "
      "does not.";
  c.add(positionals("FILE|KEY", &v->what, true, "a binary, or a build's key in the log")
            .more("A key is MODULE@VERSION/[DIR/]GOOS-GOARCH-GOVERSION[-stripped]/, and may have "
                  "a sum behind it."));
  add_build_services(c, v.get());
  c.run = [v](Context& ctx) { return run_verify(ctx, *v); };
  return c;
}

// ---- verify-proof ----

struct ProofValues {
  std::string binary;
  std::string proof;
  std::string key;
};

Result<int> run_verify_proof(Context& ctx, const ProofValues& v) {
  constexpr std::size_t kMaxBinary = std::size_t{2} << 30U;
  GW_TRY(const auto key, tlog::VerifierKey::parse(v.key));
  GW_TRY(const std::string bytes, os::read_file(v.binary, kMaxBinary));
  GW_TRY(const std::string text, os::read_file(v.proof, tlog::kMaxProofBytes));
  GW_TRY(const tlog::TlogProof proof, tlog::parse_tlog_proof(text));
  // What is beside the proof is not authenticated: that it is the entry, only the tree says.
  GW_TRY(const std::uint64_t size, tlog::verify_tlog_proof(proof, proof.extra, key));
  const auto record = tlog::parse_build_record(proof.extra);
  if (!record) return untrusted_error(v.proof + ": of no build's record");
  if (auto same = build::check_logged(bytes, build::LoggedBinary(*record)); !same) {
    return std::move(same).error().in(v.binary);
  }
  const std::string sum(record->sum);
  const std::string name = tlog::format_build_key(record->target);
  if (ctx.json) {
    ctx.out.json({{"file", v.binary}, {"key", name}, {"sum", sum}, {"log_size", size}});
  } else {
    ctx.out.line(fmt::format("{} {} {}", sum, v.binary, name));
  }
  return kExitDone;
}

Command verify_proof_command() {
  auto v = std::make_shared<ProofValues>();
  Command c("verify-proof", "compare a binary with its proof, without a network");
  c.doc =
      "The proof is what a service has beside the binary, with `.tlog-proof` behind its name. It "
      "shows that the log has the record of exactly these bytes. Prints `SUM FILE KEY`, with the "
      "build's key in the log.";
  c.add(positional("FILE", &v->binary, "the binary, uncompressed"));
  c.add(positional("PROOF", &v->proof, "its proof, as in c2sp.org/tlog-proof"));
  c.add(text_option("checkpoint-key", "VKEY", &v->key,
                    "the log's second verifier key, NAME/tlog, of its first page")
            .check(check_build_service)
            .require());
  c.run = [v](Context& ctx) { return run_verify_proof(ctx, *v); };
  return c;
}

}  // namespace

void add_build_client(Command& c) {
  c.add(get_command());
  c.add(verify_command());
  c.add(verify_proof_command());
}

}  // namespace gw::cmd
