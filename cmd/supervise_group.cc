#include "supervise_group.h"

#include <algorithm>

#include "base/bytes.h"
#include "frame/settings.h"
#include "os/file.h"
#include "os/user.h"
#include "supervise/local_zone.h"

namespace gw::cmd {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using update::ModulePolicy;
using update::ToolchainPolicy;

void add_policies(Command& c, DecisionValues* v) {
  c.add(choice_option<ModulePolicy>(
      "module-policy", "POLICY", &v->policies.module,
      {{"patch", ModulePolicy::kPatch, "the newest release of the same minor version"},
       {"minor", ModulePolicy::kMinor, "the newest release of the same major version"},
       {"manual", ModulePolicy::kManual, "none by itself"}},
      "which module versions are installed by themselves"));
  c.add(choice_option<ToolchainPolicy>(
      "toolchain-policy", "POLICY", &v->policies.toolchain,
      {{"follow", ToolchainPolicy::kFollow,
        "as supported, and new module versions with the current Go"},
       {"supported", ToolchainPolicy::kSupported,
        "the newest patch of its minor, then of the previous supported one"},
       {"patch", ToolchainPolicy::kPatch, "the newest patch of its minor"},
       {"minor", ToolchainPolicy::kMinor, "the current Go"},
       {"manual", ToolchainPolicy::kManual, "none by itself"}},
      "which Go toolchains are taken by themselves"));
  c.add(flag_option("every-version", &v->policies.every_version,
                    "install each release in turn, none is left out")
            .more("For services that migrate their data from one release to the next."));
}

Result<os::User> user_of(const SuperviseValues& v) {
  auto user = os::find_user(v.user);
  const auto uid = parse_decimal(v.user);
  if (!user && (!uid || v.groups.empty() || *uid > 0xfffffffe)) {
    return std::move(user).error().in("--user");
  }
  os::User out = user ? *std::move(user) : os::User{v.user, "/", {static_cast<uid_t>(*uid), 0, {}}};
  if (v.groups.empty()) return out;
  out.identity.groups.clear();
  for (const std::string& name : v.groups) {
    auto gid = os::find_group(name);
    if (!gid) return std::move(gid).error().in("--groups");
    if (out.identity.groups.empty()) out.identity.gid = *gid;
    out.identity.groups.push_back(*gid);
  }
  auto& groups = out.identity.groups;
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return out;
}

Result<std::optional<os::User>> other_user(const std::string& name, const std::string& option) {
  if (name.empty()) return std::optional<os::User>();
  auto user = os::find_user(name);
  if (!user) return std::move(user).error().in(option);
  return std::optional<os::User>(*std::move(user));
}

// All of them are different people.
Status read_other_users(const SuperviseValues& v, supervise::Options& out) {
  GW_TRY(out.helper_user, other_user(v.helper_user, "--helper-user"));
  GW_TRY(out.page_user, other_user(v.page_user, "--page-user"));
  GW_TRY(out.builder_user, other_user(v.builder_user, "--builder-user"));
  const auto same = [](const std::optional<os::User>& a, const std::optional<os::User>& b) {
    return a && b && a->identity.uid == b->identity.uid;
  };
  if (same(out.helper_user, out.user)) {
    return usage_error("--helper-user is --user", "the service must not be able to act as it");
  }
  if (same(out.page_user, out.user)) {
    return usage_error("--page-user is --user", "the service must not be able to act as it");
  }
  for (const auto* user : {&out.user, &out.page_user, &out.helper_user}) {
    if (same(out.builder_user, *user)) return usage_error("--builder-user is another's, too");
  }
  if (out.builder_user && out.builder_user->identity.uid == 0) {
    return usage_error("--builder-user is root");
  }
  if (same(out.page_user, out.helper_user)) return usage_error("--page-user is --helper-user");
  return {};
}

}  // namespace

void add_supervise_dir(Command& command, std::string* out) {
  command.add(path_option("dir", "DIR", out, PathUse::kState,
                          "the directory of the supervisor's state, lock and control socket")
                  .inherit());
}

void add_time_zone(Command& command, std::optional<std::string>* out) {
  command.add(text_option("time-zone", "ZONE", out, "the time zone of the schedule")
                  .default_text("the machine's")
                  .check([](std::string_view text) -> Status {
                    GW_TRY([[maybe_unused]] const auto zone,
                           supervise::named_zone(std::string(text)));
                    return {};
                  })
                  .more("Such as Europe/Amsterdam, or a rule as in TZ.")
                  .inherit());
}

Result<update::TimeZone> zone_of(const std::optional<std::string>& name) {
  if (name) return supervise::named_zone(*name);
  return supervise::local_zone(process_environment()("TZ"));
}

void add_decisions(Command& c, DecisionValues* v) {
  add_policies(c, v);
  c.add(duration_option("delay", &v->timing.delay, seconds(0), hours(24 * 365),
                        "how old a version must be to be installed by itself"));
  c.add(list_option("schedule", "DAYS HOURS", &v->schedule, "when updates may be installed")
            .default_text("always")
            .check([](std::string_view text) -> Status {
              const std::string item(text);
              GW_TRY([[maybe_unused]] const auto parsed, update::Schedule::parse({&item, 1}));
              return {};
            })
            .more("Such as 'mo-fr 9-17', 'sa,su' or '22-24'. Repeatable: whenever one of them says "
                  "so."));
  add_time_zone(c, &v->time_zone);
  c.add(list_option("blackout", "DATE[/DATE]", &v->blackouts, "days without updates")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto parsed, update::parse_blackout(text));
              return {};
            })
            .more("Such as 2026-12-24/2027-01-02. Repeatable."));
  c.add(duration_option("jitter", &v->timing.jitter, seconds(0), hours(24),
                        "updates begin up to so much later, each host at a moment of its own"));
  c.add(duration_option("grace", &v->timing.grace, seconds(0), hours(24 * 30),
                        "pause after an update that succeeded"));
}

Result<update::Schedule> DecisionValues::make_schedule() const {
  GW_TRY(auto out, update::Schedule::parse(schedule));
  GW_TRY(auto zone, zone_of(time_zone));
  out.set_zone(std::move(zone));
  std::vector<update::Blackout> days;
  for (const std::string& text : blackouts) {
    GW_TRY(const auto blackout, update::parse_blackout(text));
    days.push_back(blackout);
  }
  out.set_blackouts(std::move(days));
  return out;
}

void add_supervise(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  c.add(positionals("COMMAND", &v->options.command, true,
                    "the service, a path with a slash, and its arguments")
            .on_command_line_only());
  add_supervise_dir(c, &v->dir);
  add_supervise_sources(c, v);
  add_supervise_builds(c, v);
  add_decisions(c, &v->decisions);
  add_supervise_update(c, v);
  add_supervise_page(c, v);
  add_supervise_service(c, v);
}

Result<supervise::Options> supervise_options(const SuperviseValues& v) {
  supervise::Options out = v.options;
  out.directory = v.dir;
  out.policies = v.decisions.policies;
  out.timing = v.decisions.timing;
  GW_TRY(out.schedule, v.decisions.make_schedule());
  out.trial = v.trial;
  GW_TRY(out.ready, supervise::parse_readiness(v.ready.value_or("")));
  out.sources.dns = v.dns == kSwitchedOff ? "" : v.dns;
  out.sources.need_secure = v.need_secure;
  out.sources.resolver = v.resolver.value_or("");
  out.sources.trust_anchor = v.trust_anchor.value_or("");
  out.sources.proxy = v.proxy == kSwitchedOff ? "" : v.proxy;
  out.sources.toolchain_proxy = v.toolchain_proxy.value_or("");
  out.sources.build_key = v.build_key.value_or("");
  out.sources.build_url = v.build_url.value_or("");
  out.sources.ca_file = v.ca_file.value_or("");
  out.local.log_key = v.log_key.value_or("");
  // It works in a directory of its own.
  const auto absolute = [](const std::string& place) {
    const bool path = place.find("://") == place.npos && place.find('/') != place.npos;
    return path ? os::real_path(place) : place;
  };
  const auto& database = out.sources.vulnerabilities;
  if (!database.empty() && database.find("://") == database.npos) {
    out.sources.vulnerabilities = os::real_path(database);
  }
  out.local.log_source = absolute(v.log_source.value_or(""));
  out.local.toolchain = absolute(out.local.toolchain);
  if (v.cache) out.local.cache = os::real_path(*v.cache);
  out.web.admin = v.admin.value_or("");
  out.web.metrics = v.metrics.value_or("");
  out.web.password_file = v.password.value_or("");
  out.web.token_file = v.token.value_or("");
  out.web.certificate = v.certificate.value_or("");
  out.web.certificate_key = v.certificate_key.value_or("");
  out.web.origins = v.origins;
  for (const std::string& text : v.links) {
    GW_TRY(auto link, parse_page_link(text));
    out.web.links.push_back(std::move(link));
  }
  if (!v.user.empty()) {
    GW_TRY(out.user, user_of(v));
  } else if (!v.groups.empty()) {
    return usage_error("--groups needs --user");
  }
  GW_CHECK(read_other_users(v, out));
  for (const std::string& text : v.ambient) {
    GW_TRY(const int number, os::parse_capability(text));
    out.ambient.push_back(number);
  }
  for (const std::string& text : v.limits) {
    GW_TRY(const auto limit, os::parse_resource_limit(text));
    out.limits.push_back(limit);
  }
  return out;
}

}  // namespace gw::cmd
