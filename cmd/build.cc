// gwtool build: Go programs from proven sources, the same bytes everywhere.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/text.h"
#include "build/builder.h"
#include "build/cache_trim.h"
#include "build/outputs.h"
#include "build/resolve.h"
#include "build_group.h"
#include "build_progress.h"
#include "commands.h"
#include "os/signals.h"
#include "os/stop.h"

namespace gw::cmd {
namespace {

struct BuildValues : BuildPlaces, BuildTargets {
  std::vector<std::string> packages;
  std::string output;
};

// ---- options ----

Status check_package(std::string_view text) {
  GW_TRY([[maybe_unused]] const auto request, build::parse_request(text));
  return {};
}

void add_what(Command& c, const std::shared_ptr<BuildValues>& v) {
  c.add(positionals("MODULE[/DIR][@VERSION]", &v->packages, true,
                    "the command to build, a main package in a module")
            .check(check_package)
            .more("VERSION is a version, v1 or v1.2 for the newest of those, latest (the default), "
                  "or a branch or commit that the module proxy knows."));
  add_build_targets(c, v.get(), "latest, or that of --toolchain");
  c.add(text_option("output", "FILE|DIR", &v->output, "where the binary goes")
            .default_text("the working directory")
            .short_name('o')
            .more("A directory is one that exists, or ends in a slash. In it a binary is called "
                  "NAME-VERSION-GOVERSION[-stripped][.exe], with GOOS-GOARCH in the middle when "
                  "there are several targets. A file of that name is replaced."));
}

// ---- builds ----

struct Planned {
  build::Key key;
  build::Output output;
};

// A call's builds in the order of its arguments; what cannot be resolved is told and left out.
struct Plan {
  std::vector<Planned> builds;
  int code = kExitDone;  // of what was told
};
Result<Plan> make_plan(Context& ctx, BuildProgress& progress, const BuildValues& v,
                       build::ModuleStore& store, const std::string& go_version) {
  Plan out;
  std::vector<build::Key> keys;
  std::vector<build::Target> targets = v.targets;
  if (targets.empty()) targets.push_back(build::host_target());
  for (const std::string& text : v.packages) {
    GW_TRY(const auto request, build::parse_request(text));
    progress.say("resolving " + text);
    auto found = build::resolve(store, request);
    if (!found) {
      out.code = worse_exit(out.code, exit_code(found.error().kind));
      ctx.out.error(std::move(found).error().in("resolving " + text));
      continue;
    }
    for (const build::Target& target : targets) {
      build::Key key{found->module, found->version, found->dir, target, go_version, v.stripped};
      // One that was named before, in other words or the same.
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
    }
  }
  GW_TRY(const auto outputs, build::plan_outputs(v.output, keys));
  for (std::size_t i = 0; i < keys.size(); ++i) out.builds.push_back({keys[i], outputs[i]});
  return out;
}

void report(Context& ctx, const Planned& planned, const build::Saved& saved,
            const build::Product& product, const build::BuildGroups& groups) {
  const build::Key& key = planned.key;
  Json remarks = Json::array();
  for (const build::SumRemark& remark : product.remarks()) remarks.push_back(remark.text);
  const std::string sum = build::format_binary_sum(saved.sha256);
  if (!ctx.json) {
    ctx.out.line(fmt::format("{} {} {}", sum, saved.size, planned.output.path()));
    return;
  }
  ctx.out.json({{"module", key.module},
                {"version", key.version},
                {"dir", key.dir},
                {"goos", key.target.goos},
                {"goarch", key.target.goarch},
                {"go_version", key.go_version},
                {"stripped", key.stripped},
                {"size", saved.size},
                {"sum", sum},
                {"sha256", encode_hex(as_bytes(saved.sha256))},
                {"file", planned.output.path()},
                {"log", product.log()},
                {"limits", {{"memory", groups.memory_by()}, {"processes", groups.processes_by()}}},
                {"private", remarks}});
}

// What results say besides.
struct Told {
  const build::BuildGroups& groups;
  std::set<std::string> remarks = {};  // was said of private modules
};

Status build_one(Context& ctx, BuildProgress& progress, build::Builder& builder,
                 const Planned& planned, Told& told) {
  GW_TRY(const build::Product product, builder.build(planned.key));
  GW_TRY(const os::Dir directory, os::Dir::open(planned.output.directory));
  const auto saved = product.save(directory, planned.output.name);
  if (!saved) return saved.error().in("writing " + planned.output.path());
  progress.clear();  // the result may go to the same terminal
  report(ctx, planned, *saved, product, told.groups);
  for (const build::SumRemark& remark : product.remarks()) {
    if (!told.remarks.insert(remark.text).second) continue;
    if (remark.vouched) {
      ctx.out.detail(remark.text);
    } else {
      ctx.out.warn(remark.text);
    }
  }
  return ctx.out.flush();
}

void report_error(Context& ctx, const Planned& planned, const Error& error) {
  std::string name = build::format_key(planned.key);
  name.pop_back();
  ctx.out.error(error.in(name));
  if (const auto* failure = dynamic_cast<const build::BuildFailure*>(error.detail.get())) {
    ctx.out.note("the build log: " + failure->log);
  }
}

Result<int> run_builds(Context& ctx, const BuildValues& v, const build::BuildGroups& groups,
                       const os::Stop& stop) {
  BuildProgress progress(ctx);
  GW_TRY(const std::string cache, build_cache_path(v));
  GW_TRY(BuildParts parts,
         make_build_parts(
             v, {.cache = cache,
                 .clock = ctx.clock,
                 .stop = stop,
                 .on_fetched = [&](const auto& request,
                                   auto bytes) { progress.fetched(request, bytes); },
                 .on_received = [&](const auto& request, auto bytes,
                                    auto all) { progress.received(request, bytes, all); }}));
  progress.say("looking for the Go toolchain");
  GW_TRY(const build::Toolchain toolchain, toolchain_place(v, parts).find(wanted_go(v.go)));
  GW_TRY(const Plan plan, make_plan(ctx, progress, v, *parts.store, toolchain.go_version));
  const std::vector<Planned>& planned = plan.builds;
  int code = plan.code;
  const build::Builder::Options options{
      .sandbox = v.sandbox,
      .limits = build_limits(v),
      .groups = &groups,
      .progress = [&](std::string_view what) { progress.say(what); },
      .details = [&](std::string_view what) { progress.say(what); }};
  std::unique_ptr<build::Builder> builder;
  Told results{groups};
  bool told = false;
  for (std::size_t i = 0; i < planned.size() && !stop.requested(); ++i) {
    if (i == 0 || !build::may_share_builder(planned[i - 1].key, planned[i].key)) {
      builder.reset();
      GW_TRY(builder, build::Builder::make(parts.cache, *parts.store, toolchain, options, stop));
      for (const std::string& lack : builder->lacks()) {
        if (!told) ctx.out.warn("the sandbox lacks " + lack);
      }
      told = true;
    }
    if (auto done = build_one(ctx, progress, *builder, planned[i], results); !done) {
      if (stop.requested()) break;
      code = worse_exit(code, exit_code(done.error().kind));
      report_error(ctx, planned[i], done.error());
      if (ctx.out.told_failure()) break;  // nobody can be told of the others
    }
  }
  return code;
}

// What cannot be removed now stays, and the builds are done.
void trim(Context& ctx, const BuildValues& v) {
  constexpr std::uint64_t kMega = 1'000'000;
  const auto cache = build_cache_path(v);
  if (!cache) return;
  const auto left = build::trim_cache(*cache, {.max_bytes = v.cache_size * kMega});
  if (!left) ctx.out.warn("keeping the cache small: " + left.error().message);
}

Result<int> run(Context& ctx, const BuildValues& v) {
  // First: what is started before is in the way.
  auto groups = build::BuildGroups::take();
  groups.try_out();
  for (const std::string& lack : groups.lacks()) {
    ctx.out.warn("the control group is no use for a limit, which is kept by looking: " + lack);
  }
  os::Stop stop;
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  auto code = run_builds(ctx, v, groups, stop);
  ctx.out.progress("");
  if (code) trim(ctx, v);
  // What a verification found is told also when somebody interrupts.
  const bool untrusted =
      code ? *code == kExitUntrusted : code.error().kind == ErrorKind::kUntrusted;
  if (signals->stopped_by() != 0 && !untrusted) return kExitInterrupted;
  return code;
}

}  // namespace

Command build_command() {
  auto v = std::make_shared<BuildValues>();
  Command c("build", "build a Go program, the same bytes everywhere");
  c.doc =
      "Downloads a command's module, all that it needs and a Go toolchain, verifies every one of "
      "them against the Go checksum database, and compiles it in a sandbox with the network cut "
      "off. The same module, version, target and Go version give the same bytes on every machine "
      "and every day.\n\n"
      "Prints `SUM SIZE FILE` for each binary. SUM is what build services' logs have: 0 and the "
      "first 20 bytes of the SHA-256 in base64url.";
  c.exits = {
      {kExitDone, "everything was built, fetched, or is as a log says"},
      {kExitFailed,
       "something cannot be built, or does not exist; the others were built or fetched"},
      {kExitUsage, "the command line is wrong, or the kernel refuses the sandbox"},
      {kExitTemporary,
       "a module proxy, the checksum database or a build service cannot be reached or cannot "
       "build now, or a build has not room enough (128 MB)"},
      {kExitUntrusted,
       "a module or toolchain is not what the checksum database says, a binary, file or "
       "service is not what a build service's log says, or a log contradicts itself"}};
  c.metric_areas = {"buildd"};
  c.files = {
      {"CACHE/download", "verified modules, in a module proxy's layout"},
      {"CACHE/sumdb", "proofs of their sums, the newest head, evidence of a log's lies"},
      {"CACHE/first-seen", "sums of private modules that nobody vouches for"},
      {"CACHE/toolchains", "verified toolchains, unpacked"},
      {"CACHE/std", "the standard library, compiled, for the last twelve toolchains and targets"},
      {"CACHE/packages", "compiled packages of modules, for builds of the same version"},
      {"CACHE/logs", "the last build log of each build"},
      {"CACHE/builds/NAME", "the newest head seen of a service's log, and evidence of its lies"},
      {"DATA/ledger.db", "of serve: its log, results, failures and build logs"},
      {"DATA/binaries", "of serve: binaries, named after their sums"},
      {"DATA/sum.log", "of serve: the log's records as lines"},
      {"DATA/published", "of serve: the last head that was signed"},
      {"DATA/notes", "of serve: what its first page says, when the operator has set it"},
      {"DATA/toolchains", "of serve: toolchains that were tried out"},
      {"DATA/verified", "of serve: how far the log of --verify-only was built"},
      {"DATA/cache", "of serve: its cache"}};
  add_what(c, v);
  add_build_places(c, v.get());
  add_build_cache(c, v.get());
  add_build_cache_size(
      c, v.get(),
      "What was used longest ago is removed in the end: toolchains, compiled packages, "
      "modules, logs. Proofs stay.");
  add_build_get(c);
  add_build_verify(c);
  add_build_audit(c);
  add_build_log(c);
  add_build_serve(c);
  add_build_owner(c);
  c.run = [v](Context& ctx) { return run(ctx, *v); };
  return c;
}

}  // namespace gw::cmd
