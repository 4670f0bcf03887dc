// gwtool build: Go programs from proven sources, the same bytes everywhere.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/bytes.h"
#include "build/builder.h"
#include "build/cache.h"
#include "build/module_store.h"
#include "build/outputs.h"
#include "build/proxy_client.h"
#include "build/resolve.h"
#include "build/sums.h"
#include "build/target.h"
#include "build/toolchain.h"
#include "commands.h"
#include "frame/settings.h"
#include "groups.h"
#include "net/source.h"
#include "os/signals.h"
#include "os/stop.h"

namespace gw::cmd {
namespace {

constexpr std::string_view kAll = "all";
constexpr std::string_view kLatest = "latest";
constexpr std::string_view kModule = "module";
constexpr std::string_view kLocal = "local";

struct BuildValues {
  std::vector<std::string> packages;
  std::vector<build::Target> targets;
  std::optional<std::string> go;
  bool stripped = false;
  std::string output;
  std::string proxy = "https://proxy.golang.org";
  LogSourceValues log;
  std::optional<std::string> cache;
  std::string toolchain{kModule};
  build::SandboxMode sandbox = build::SandboxMode::kFull;
};

// ---- options ----

Status add_target(BuildValues& v, std::string_view text) {
  const auto add = [&](build::Target target) {
    if (std::find(v.targets.begin(), v.targets.end(), target) == v.targets.end()) {
      v.targets.push_back(std::move(target));
    }
  };
  if (text == kAll) {
    for (const build::KnownTarget& t : build::known_targets()) {
      if (!t.needs_cgo) add({std::string(t.goos), std::string(t.goarch)});
    }
    return {};
  }
  GW_TRY(auto target, build::parse_target(text));
  add(std::move(target));
  return {};
}

Status check_go(std::string_view text) {
  return text == kLatest ? Status() : build::check_go_version(text);
}

Status check_proxy(std::string_view text) {
  GW_TRY([[maybe_unused]] const auto entries, mod::parse_proxy_entries(text));
  return {};
}

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
  c.add(custom_option(
            "target", "GOOS/GOARCH", [v](std::string_view text) { return add_target(*v, text); },
            "what to build it for; all: whatever can be built", true)
            .default_text("this machine")
            .more("Repeatable; several share what is fetched."));
  c.add(text_option("go", "GOVERSION|latest", &v->go, "the Go version to build it with")
            .default_text("latest, or that of --toolchain")
            .check(check_go));
  c.add(flag_option("stripped", &v->stripped, "leave the symbol table out: the linker's -s"));
  c.add(text_option("output", "FILE|DIR", &v->output, "where the binary goes")
            .default_text("the working directory")
            .short_name('o')
            .more("A directory is one that exists, or ends in a slash. In it a binary is called "
                  "NAME-VERSION-GOVERSION[-stripped][.exe], with GOOS-GOARCH in the middle when "
                  "there are several targets. A file of that name is replaced."));
}

void add_where(Command& c, const std::shared_ptr<BuildValues>& v) {
  c.add(
      text_option("proxy", "LIST", &v->proxy, "module proxies, as in GOPROXY")
          .check(check_proxy)
          .more("https, http and file URLs: after a comma the next one is asked for what one does "
                "not have, after a | also when it fails. Repositories are never asked: direct "
                "means that there is nothing more. Without --source they are also asked for the "
                "checksum database's files."));
  add_log_place(c, &v->log);
  c.add(path_option("cache", "DIR", &v->cache, PathUse::kState,
                    "verified modules, toolchains, proofs and build logs")
            .default_text("gwtool in $XDG_CACHE_HOME or ~/.cache"));
  c.add(text_option("toolchain", "module|local|DIR", &v->toolchain,
                    "where the Go toolchain comes from")
            .more("module: downloaded and verified like any module. local: the go command in PATH. "
                  "DIR: a GOROOT, or a directory of them named after their versions. The last two "
                  "are trusted as they are."));
  using Mode = build::SandboxMode;
  c.add(
      choice_option<Mode>("sandbox", "MODE", &v->sandbox,
                          {{"full", Mode::kFull, "all of it, or nothing is built"},
                           {"partial", Mode::kPartial, "what the kernel grants; the rest is told"},
                           {"off", Mode::kOff, "none: the go command runs as you do"}},
                          "what the go command is kept from"));
}

// ---- what all builds of a call share ----

Result<std::string> cache_path(const BuildValues& v) {
  if (v.cache) return *v.cache;
  const Environment environment = process_environment();
  if (const auto xdg = environment("XDG_CACHE_HOME"); xdg && xdg->starts_with('/')) {
    return *xdg + "/gwtool";
  }
  if (const auto home = environment("HOME"); home && home->starts_with('/')) {
    return *home + "/.cache/gwtool";
  }
  return usage_error("no directory for a cache: HOME is not set", "name one with --cache");
}

// The proxies that may carry the checksum database, in the form that net/source.h takes.
Result<std::string> log_proxies(const BuildValues& v) {
  std::string out;
  if (v.log.source) return out;
  GW_TRY(const auto entries, mod::parse_proxy_entries(v.proxy));
  for (const mod::ProxyEntry& entry : entries) {
    if (entry.kind != mod::ProxyEntry::Kind::kUrl) continue;
    out += entry.place + (entry.after_any ? "|" : ",");
  }
  if (!out.empty()) out.pop_back();
  return out;
}

struct Shared {
  build::Cache cache;
  std::unique_ptr<build::ProxyClient> proxy;
  std::unique_ptr<build::ModuleSums> sums;
  std::unique_ptr<build::ModuleStore> store;
};

Result<Shared> make_shared_parts(Context& ctx, const BuildValues& v, const os::Stop& stop) {
  GW_TRY(auto key, tlog::VerifierKey::parse(v.log.log_key));
  net::SourceOptions options;
  options.log_name = key.name();
  options.source = v.log.source.value_or("");
  options.http.ca_file = v.log.ca_file.value_or("");
  options.http.stop = &stop;
  GW_TRY(options.proxy, log_proxies(v));
  GW_TRY(auto source, net::make_source(options));
  GW_TRY(auto proxy, build::ProxyClient::create(v.proxy, options.http));
  GW_TRY(const std::string path, cache_path(v));
  GW_TRY(auto cache, build::Cache::open(path));
  GW_TRY(const std::string sums_path, cache.sums(key.name()));
  auto sums =
      std::make_unique<build::ModuleSums>(std::move(source), std::move(key), sums_path, ctx.clock);
  auto count =
      std::make_shared<std::pair<std::atomic<std::uint64_t>, std::atomic<std::uint64_t>>>();
  const auto on_fetched = [&ctx, count](const mod::ProxyRequest& request, std::uint64_t bytes) {
    ctx.out.progress(fmt::format("fetched {} ({} files, {} kB)", request.module, ++count->first,
                                 (count->second += bytes) >> 10U));
  };
  auto store = std::make_unique<build::ModuleStore>(cache.download(), *proxy, *sums, on_fetched);
  return Shared{std::move(cache), std::move(proxy), std::move(sums), std::move(store)};
}

Result<build::Toolchain> find_toolchain(const BuildValues& v, Shared& shared) {
  const build::Target host = build::host_target();
  const std::string platform = fmt::format("{}-{}", host.goos, host.goarch);
  const bool latest = !v.go || *v.go == kLatest;
  if (v.toolchain == kModule) {
    std::string version = v.go.value_or("");
    if (latest) {
      GW_TRY(version, build::resolve_go_version(*shared.store, platform));
    }
    return build::module_toolchain(*shared.store, shared.cache.toolchains(), version, platform);
  }
  const std::string wanted = latest ? "" : *v.go;
  if (v.toolchain == kLocal) {
    return build::local_toolchain(process_environment()("PATH").value_or(""), wanted);
  }
  return build::directory_toolchain(v.toolchain, wanted, platform);
}

// ---- builds ----

struct Planned {
  build::Key key;
  build::Output output;
};

// A call's builds in the order of its arguments; what cannot be resolved is told and left out.
Result<std::vector<Planned>> plan(Context& ctx, const BuildValues& v, Shared& shared,
                                  const std::string& go_version, int& code) {
  std::vector<build::Key> keys;
  std::vector<build::Target> targets = v.targets;
  if (targets.empty()) targets.push_back(build::host_target());
  for (const std::string& text : v.packages) {
    GW_TRY(const auto request, build::parse_request(text));
    ctx.out.progress("resolving " + text);
    auto found = build::resolve(*shared.store, request);
    if (!found) {
      code = worse_exit(code, exit_code(found.error().kind));
      ctx.out.error(std::move(found).error().in("resolving " + text));
      continue;
    }
    for (const build::Target& target : targets) {
      keys.push_back({found->module, found->version, found->dir, target, go_version, v.stripped});
    }
  }
  GW_TRY(const auto outputs, build::plan_outputs(v.output, keys));
  std::vector<Planned> out;
  for (std::size_t i = 0; i < keys.size(); ++i) out.push_back({keys[i], outputs[i]});
  return out;
}

void report(Context& ctx, const Planned& planned, const build::Saved& saved,
            const std::string& log) {
  const build::Key& key = planned.key;
  const std::string sum = build::format_binary_sum(saved.sha256);
  ctx.out.progress("");  // a line on the same terminal
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
                {"log", log}});
}

Status build_one(Context& ctx, build::Builder& builder, const Planned& planned) {
  GW_TRY(const build::Product product, builder.build(planned.key));
  GW_TRY(const os::Dir directory, os::Dir::open(planned.output.directory));
  GW_TRY(const build::Saved saved, product.save(directory, planned.output.name));
  report(ctx, planned, saved, product.log());
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

// Builds of one module version share their modules and packages; another one starts anew.
bool share(const Planned& a, const Planned& b) {
  return a.key.module == b.key.module && a.key.version == b.key.version;
}

Result<int> run_builds(Context& ctx, const BuildValues& v, const os::Stop& stop) {
  GW_TRY(Shared shared, make_shared_parts(ctx, v, stop));
  ctx.out.progress("looking for the Go toolchain");
  GW_TRY(const build::Toolchain toolchain, find_toolchain(v, shared));
  int code = kExitDone;
  GW_TRY(const auto planned, plan(ctx, v, shared, toolchain.go_version, code));
  const build::Builder::Options options{v.sandbox,
                                        [&ctx](std::string_view what) { ctx.out.progress(what); }};
  std::unique_ptr<build::Builder> builder;
  bool told = false;
  for (std::size_t i = 0; i < planned.size() && !stop.requested(); ++i) {
    if (i == 0 || !share(planned[i - 1], planned[i])) {
      builder.reset();
      GW_TRY(builder, build::Builder::make(shared.cache, *shared.store, toolchain, options, stop));
      for (const std::string& lack : builder->lacks()) {
        if (!told) ctx.out.warn("the sandbox lacks " + lack);
      }
      told = true;
    }
    if (auto done = build_one(ctx, *builder, planned[i]); !done) {
      if (stop.requested()) break;
      code = worse_exit(code, exit_code(done.error().kind));
      report_error(ctx, planned[i], done.error());
    }
  }
  return code;
}

Result<int> run(Context& ctx, const BuildValues& v) {
  os::Stop stop;
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  auto code = run_builds(ctx, v, stop);
  ctx.out.progress("");
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
  c.exits = {{kExitDone, "everything was built"},
             {kExitFailed, "something cannot be built, or does not exist; the others were"},
             {kExitUsage, "the command line is wrong, or the kernel refuses the sandbox"},
             {kExitTemporary, "a module proxy or the checksum database cannot be reached"},
             {kExitUntrusted,
              "a module or toolchain is not what the checksum database says, or the database "
              "contradicts itself"}};
  c.files = {
      {"CACHE/download", "verified modules, in a module proxy's layout"},
      {"CACHE/sumdb", "proofs of their sums, the newest head, evidence of a log's lies"},
      {"CACHE/toolchains", "verified toolchains, unpacked"},
      {"CACHE/std", "the standard library, compiled, for the last twelve toolchains and targets"},
      {"CACHE/logs", "the last build log of each build"}};
  add_what(c, v);
  add_where(c, v);
  c.run = [v](Context& ctx) { return run(ctx, *v); };
  return c;
}

}  // namespace gw::cmd
