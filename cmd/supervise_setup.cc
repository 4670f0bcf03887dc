// gwtool supervise init and import: the directory of a service that is to be supervised.
#include <fmt/format.h>

#include "base/json.h"
#include "build_group.h"
#include "frame/options.h"
#include "os/file.h"
#include "supervise/config_text.h"
#include "supervise/import.h"
#include "supervise/installation.h"
#include "supervise/setup.h"
#include "supervise_group.h"

namespace gw::cmd {
namespace {

constexpr std::size_t kMaxImported = std::size_t{1} << 20;

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// ---- init ----

struct InitValues : SuperviseValues {
  std::string package;
  std::optional<std::string> go;
  bool unstripped = false;
  bool systemd = false;
};

std::string init_config(const SuperviseValues& v) {
  supervise::ConfigText out;
  out.comment("As gwtool-supervise(1) has the options; gwtool gen config shows all of them.");
  const SuperviseValues plain;
  const auto add = [&out](std::string_view key, const std::optional<std::string>& value) {
    if (value) out.add(key, *value);
  };
  if (v.dns != plain.dns) out.add("dns", v.dns);
  if (!v.need_secure) out.add("dnssec", "prefer");
  add("resolver", v.resolver);
  add("trust-anchor", v.trust_anchor);
  if (v.proxy != plain.proxy) out.add("proxy", v.proxy);
  add("toolchain-proxy", v.toolchain_proxy);
  add("build-key", v.build_key);
  add("build-url", v.build_url);
  const supervise::Options& o = v.options;
  const supervise::LocalBuilds standard;
  const auto differs = [&out](std::string_view key, const std::string& value,
                              const std::string& usual) {
    if (value != usual) out.add(key, value);
  };
  out.add_list("verifier", o.sources.verifiers);
  add("build-servers", v.build_servers);
  differs("own-updates", o.sources.own_domain, "");
  differs("vuln", o.sources.vulnerabilities, "");
  if (o.local.wanted) out.add("build", "local");
  differs("build-proxy", o.local.proxy, standard.proxy);
  add("log-key", v.log_key);
  add("source", v.log_source);
  differs("toolchain", o.local.toolchain, standard.toolchain);
  differs("sandbox", o.local.sandbox, standard.sandbox);
  add("cache", v.cache);
  differs("builder-user", v.builder_user, "");
  add("ca-file", v.ca_file);
  out.comment("module-policy = \"patch\"");
  out.comment("toolchain-policy = \"follow\"");
  out.comment("schedule = [\"mo-fr 9-17\"]");
  out.comment("admin-listen = \"127.0.0.1:8000\"");
  return out.text();
}

// The unit beside the binary: an administrator links or copies it.
Result<std::string> write_unit(const InitValues& v, const std::string& link) {
  const std::string here = os::directory_of(os::real_path(link));
  const std::string dir = os::real_path(v.dir);
  const std::string unit = link + ".service";
  const std::string text = supervise::format_unit(
      link, here,
      {os::real_path("/proc/self/exe"), "supervise", "--config", dir + "/supervise.toml", "--dir",
       dir, fmt::format("{}/{}", here, link)});
  GW_CHECK(os::create_file(unit, text, 0644));
  return unit;
}

Result<int> run_init(Context& ctx, const InitValues& v) {
  if (!v.build_key && !v.options.local.wanted) {
    return usage_error("--build-key is needed, or --build local", "the build service says it");
  }
  GW_TRY(const auto options, supervise_options(v));
  if (os::file_exists(v.dir)) {
    return usage_error(v.dir + " exists already", "name another one with --dir");
  }
  ctx.out.progress("resolving " + v.package);
  GW_TRY(build::Key key,
         supervise::find_build(v.package, v.go.value_or(""), options.sources, ctx.clock));
  key.stripped = !v.unstripped;
  const std::string unit_name = supervise::base_name(key) + ".service";
  if (v.systemd && os::file_exists(unit_name)) return usage_error(unit_name + " exists already");
  const bool local = options.local.wanted;
  ctx.out.progress(fmt::format("{} {} {} {}", local ? "building" : "fetching", key.package(),
                               key.version, key.go_version));
  GW_TRY(
      const supervise::Installed done,
      supervise::set_up(v.dir, {init_config(v), supervise::make_password_text(), {}, {}}, ".", [&] {
        return local ? supervise::install_built(key, options.local, options.sources.ca_file, ".",
                                                options.builder_user)
                     : supervise::install_first(key, options.sources, ".");
      }));
  std::string unit;
  if (v.systemd) {
    GW_TRY(unit, write_unit(v, done.link));
  }
  ctx.out.progress("");
  if (ctx.json) {
    Json out = {{"version", key.version}, {"go_version", key.go_version},
                {"sum", done.sum},        {"file", done.file},
                {"link", done.link},      {"dir", v.dir}};
    if (!unit.empty()) out["unit"] = unit;
    ctx.out.json(out);
    return kExitDone;
  }
  ctx.out.line(fmt::format("{} {} {}", done.sum, done.file, done.link));
  ctx.out.note(fmt::format("to start it: gwtool supervise --config {}/supervise.toml --dir {} ./{}",
                           v.dir, v.dir, done.link));
  if (!unit.empty()) ctx.out.note(unit + " is for /etc/systemd/system");
  return kExitDone;
}

Command init_command() {
  auto v = std::make_shared<InitValues>();
  Command c("init", "prepare a directory for a service");
  c.doc =
      "Makes DIR with a configuration, a password and the log's head, and in the working directory "
      "the newest binary of PACKAGE, proven by the build service's log, or built here, and a link "
      "to it. The "
      "module is the longest part of PACKAGE that is one. Nothing that exists is touched.";
  c.add(positional("PACKAGE[@VERSION]", &v->package, "the service's import path")
            .on_command_line_only());
  add_supervise_dir(c, &v->dir);
  add_supervise_sources(c, v);
  add_supervise_builds(c, v);
  c.add(text_option("go", "GOVERSION", &v->go, "built with this Go (default the newest release)")
            .check(check_go_line));
  c.add(flag_option("unstripped", &v->unstripped, "with its symbol table"));
  c.add(flag_option("systemd", &v->systemd, "write a unit for systemd, too"));
  c.run = [v](Context& ctx) { return run_init(ctx, *v); };
  return c;
}

// ---- import ----

struct ImportValues : SuperviseDir {
  std::string from;
};

// As ysco finds it: from the directory that it is run in, which `ys` is in.
Result<std::string> read_password(const std::string& from, const std::string& auth_file) {
  const std::string path =
      auth_file.starts_with('/')
          ? auth_file
          : fmt::format("{}/{}", os::directory_of(os::real_path(from)), auth_file);
  GW_TRY(std::string text, os::read_file(path, kMaxImported));
  while (text.ends_with('\n')) text.pop_back();
  // What the page does not take as it is, nobody gets in with.
  const std::string_view why = supervise::password_fault(text);
  if (!why.empty())
    return usage_error(fmt::format("{}: the password {}", path, why), "choose another password");
  return text;
}

Result<int> run_import(Context& ctx, const ImportValues& v) {
  const std::string from = without_slashes(v.from);
  const std::string dir = without_slashes(v.dir);
  const std::string conf = from + "/ysco.conf";
  GW_TRY(const std::string text, os::read_file(conf, kMaxImported));
  GW_TRY(const supervise::ImportedConfig config, supervise::import_config(text, conf));
  supervise::SetupFiles files{config.config.text(), "", {}, {}};
  GW_TRY(files.password, read_password(from, config.auth_file));
  std::vector<std::string> notes = config.notes;
  const auto state_text = os::read_file(from + "/state.json", kMaxImported);
  if (state_text) {
    auto state = supervise::import_state(*state_text, config.delay, ctx.clock.now());
    if (!state) return std::move(state).error().in(from + "/state.json");
    files.state = supervise::format_state(state->state);
    notes.insert(notes.end(), state->notes.begin(), state->notes.end());
  } else if (state_text.error().kind != ErrorKind::kNotFound) {
    return state_text.error();
  }
  GW_CHECK(supervise::make_directory(dir, files));
  if (ctx.json) {
    ctx.out.json({{"dir", dir}, {"state", files.state.has_value()}, {"notes", notes}});
    return kExitDone;
  }
  ctx.out.line(dir + "/supervise.toml");
  for (const std::string& note : notes) ctx.out.note(note);
  return kExitDone;
}

Command import_command() {
  auto v = std::make_shared<ImportValues>();
  Command c("import", "take over the directory of ysco");
  c.doc =
      "Makes DIR from a directory of ysco (YSDIR, usually ys): its configuration, password and "
      "state. What has no counterpart here is told; what ysco takes and does not mean stops it, by "
      "line. YSDIR is not changed.";
  c.add(
      positional("YSDIR", &v->from, "the directory, with ysco.conf in it").on_command_line_only());
  add_supervise_dir(c, &v->dir);
  c.run = [v](Context& ctx) { return run_import(ctx, *v); };
  return c;
}

}  // namespace

void add_supervise_setup(Command& command) {
  command.add(init_command());
  command.add(import_command());
}

}  // namespace gw::cmd
