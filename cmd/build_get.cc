// gwtool build get: binaries of build services, proven by their logs.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "build/get_binary.h"
#include "build/outputs.h"
#include "build_agreed_group.h"
#include "build_group.h"
#include "build_service_group.h"
#include "buildd/build_path.h"
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

// What the options say of a package that is no build's page.
build::Key asked_key(const buildd::BuildPath& path, const build::Target& target,
                     const GetValues& v) {
  build::Key key = path.key;
  key.target = target;
  key.go_version = v.go.value_or("latest");
  key.stripped = v.stripped;
  if (path.kind == buildd::BuildPath::Kind::kModule) key.version = "latest";
  return key;
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

// `sum`: what it must have; empty: what the log says.
Status get_one(Context& ctx, const GetValues& v, const build::Services& services,
               const std::vector<build::Key>& keys, const std::string& sum) {
  build::Output output;  // of the key that was asked for last, which is found in the end
  const auto check = [&](const build::Key& key) -> Status {
    GW_TRY(output, output_of(v.output, key, v.targets));
    return check_absent(output);
  };
  const build::GetTold told{
      .asking =
          [&](const build::Key& key) { ctx.out.progress("asking for " + build::format_key(key)); },
      .downloading =
          [&](const build::ProvenBuild& found) {
            ctx.out.progress(
                fmt::format("downloading {} ({} kB)", output.name, found.size() >> 10U));
          },
      .warn = warn_in(ctx)};
  GW_TRY(const build::FetchedBinary got, build::get_binary(services, {keys, sum, check}, told));
  const build::ProvenBuild& found = got.build;
  GW_CHECK(build::write_output(output, got.bytes));
  ctx.out.progress("");
  if (ctx.json) {
    ctx.out.json({{"key", build::format_key(found.key())},
                  {"size", found.size()},
                  {"sum", found.sum()},
                  {"file", output.path()},
                  {"record", found.number()},
                  {"log_size", found.head().size()},
                  {"logs", got.logs}});
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
  GW_TRY(const build::Services services, open_services(v, ctx.clock, stop));
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
        done(package, get_one(ctx, v, services, build::candidate_keys(asked_key(*path, target, v)),
                              v.sum.value_or("")));
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
