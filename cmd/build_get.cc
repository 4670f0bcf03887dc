// gwtool build get: binaries of build services, proven by their logs.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "build/log_client.h"
#include "build/outputs.h"
#include "build/product.h"
#include "build/resolve.h"
#include "build_agreed_group.h"
#include "build_group.h"
#include "build_service_group.h"
#include "buildd/build_path.h"
#include "module/byte_source.h"
#include "os/signals.h"
#include "os/stop.h"

namespace gw::cmd {

namespace {

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
  if (build::is_version_query(key.version) || build::is_go_query(key.go_version)) {
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
  add_build_targets(c, v.get(), "latest");
  c.add(text_option("sum", "SUM", &v->sum, "the sum that it must have"));
  c.add(text_option("output", "FILE|DIR", &v->output, "where the binary goes")
            .default_text("the working directory")
            .short_name('o'));
  add_build_services(c, v.get());
  c.run = [v](Context& ctx) { return run_get(ctx, *v); };
  return c;
}

}  // namespace

void add_build_get(Command& c) { c.add(get_command()); }

}  // namespace gw::cmd
