#include "supervise/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/name.h"
#include "module/proxy.h"
#include "net/http_url.h"
#include "supervise/sconf.h"
#include "supervise/sconf_fields.h"
#include "tlog/note.h"

namespace gw::supervise {
namespace {

// What ysco takes where its configuration names no service.
constexpr const char* kYscoBuildKey =
    "beta.gobuilds.org+3979319f+AReBl47t6/Zl24/pmarcKhJtsfAU2c1F5Wtu4hrOgOQQ";
constexpr std::chrono::hours kDelayHere{72};
// As the options have it.
constexpr std::chrono::minutes kLeastInterval{1};
constexpr std::chrono::hours kMostInterval{24 * 30};
constexpr std::chrono::hours kMostDelay{24 * 365};
constexpr std::chrono::hours kADay{24};  // the most of a jitter, and until the first look

// Each setting of ysco's into one of ours, or a note.
class Importer {
 public:
  Importer(std::string_view file, ImportedConfig& out) : fields_(file), out_(out) {}

  Status read(const Sconf& root);

 private:
  using Reader = SconfFields::Reader;
  Status members(const Sconf& value, std::string_view what,
                 const std::vector<SconfFields::Field>& fields) const {
    return fields_.members(value, what, fields);
  }
  Error wrong(const Sconf& value, std::string_view what) const {
    return fields_.wrong(value, what);
  }
  Result<std::string> text(const Sconf& value) const { return fields_.text(value); }
  Result<std::vector<Sconf>> list(const Sconf& value) const { return fields_.list(value); }
  Reader time(std::string_view key, std::chrono::milliseconds most,
              std::chrono::milliseconds least = {});
  Reader policy(std::string_view key, bool toolchain);
  Reader ignored(std::string_view name);
  Reader checked(std::string_view key, std::function<Status(std::string_view)> check);
  Status log_level(const Sconf& value);
  Status monitor(const Sconf& value);
  Status methods(const Sconf& value);
  Status update(const Sconf& value);
  Status schedule(const Sconf& value);
  Status gobuild(const Sconf& value);
  Status links(const Sconf& value);
  Status process(const Sconf& value);
  void finish();

  const SconfFields fields_;
  ImportedConfig& out_;
  bool dns_ = true, proxy_ = true;
  std::optional<std::string> dns_zone_, proxy_list_, key_;
  std::optional<std::chrono::milliseconds> delay_;
};

Importer::Reader Importer::time(std::string_view key, std::chrono::milliseconds most,
                                std::chrono::milliseconds least) {
  return [this, key, most, least](const Sconf& value) -> Status {
    GW_TRY(const std::string given, text(value));
    const auto read = parse_go_duration(given);
    if (!read) return wrong(value, quoted(given) + " is not a duration");
    if (read->count() == 0) return {};  // as if it were not there
    // Whole seconds, as the options have them: a jitter of a nanosecond, by which ysco has none, is
    // 0.
    const std::chrono::milliseconds whole = std::chrono::floor<std::chrono::seconds>(*read);
    const auto taken = std::clamp(whole, least, most);
    if (taken != whole) {
      out_.notes.push_back(fmt::format("{}: {} is {} to {}", key, given,
                                       *read < least ? "raised" : "lowered", format_time(taken)));
    }
    if (key == "delay") delay_ = taken;
    out_.config.add_time(key, taken);
    return {};
  };
}

Importer::Reader Importer::policy(std::string_view key, bool toolchain) {
  return [this, key, toolchain](const Sconf& value) -> Status {
    GW_TRY(const std::string name, text(value));
    if (name.empty()) return {};
    const bool any = name == "patch" || name == "minor" || name == "manual";
    if (!any && !(toolchain && (name == "supported" || name == "follow"))) {
      return wrong(value, quoted(name) + " is no policy");
    }
    out_.config.add(key, name);
    return {};
  };
}

Importer::Reader Importer::ignored(std::string_view name) {
  return [this, name](const Sconf& value) -> Status {
    GW_TRY(const std::string given, text(value));
    if (given.empty()) return {};
    out_.notes.push_back(
        fmt::format("{} ({}) has no counterpart: gwtool replaces itself by a new "
                    "gwtool on the disk, never by a download",
                    name, given));
    return {};
  };
}

// Taken as it is, if it is right; an empty one is as if it were not there.
Importer::Reader Importer::checked(std::string_view key,
                                   std::function<Status(std::string_view)> check) {
  return [this, key, check = std::move(check)](const Sconf& value) -> Status {
    GW_TRY(const std::string given, text(value));
    if (given.empty()) return {};
    if (auto good = check(given); !good) return wrong(value, good.error().message);
    out_.config.add(key, given);
    return {};
  };
}

Status Importer::log_level(const Sconf& value) {
  GW_TRY(const std::string level, text(value));
  const std::string name = to_lower(level);
  if (name == "debug") {
    out_.config.add_general_flag("verbose", true);
  } else if (name == "error") {
    out_.config.add_general_flag("quiet", true);
  } else if (name == "warn") {
    out_.notes.emplace_back("LogLevel warn has no counterpart: what is done is told as well");
  } else if (name != "info" && !name.empty()) {
    return wrong(value, quoted(level) + " is no log level");
  }
  return {};
}

Status Importer::methods(const Sconf& value) {
  GW_TRY(const auto items, list(value));
  if (items.empty()) return {};
  dns_ = proxy_ = false;
  for (const Sconf& item : items) {
    GW_TRY(const std::string method, text(item));
    if (method != "dns" && method != "goproxy") {
      return wrong(item, quoted(method) + " is no method: dns or goproxy");
    }
    if (method == "dns" && proxy_) out_.notes.emplace_back("Methods: DNS is asked first here");
    (method == "dns" ? dns_ : proxy_) = true;
  }
  return {};
}

Status Importer::monitor(const Sconf& value) {
  const auto is_list = [](std::string_view list) -> Status {
    GW_TRY([[maybe_unused]] const auto entries, mod::parse_proxy_entries(list));
    return {};
  };
  const auto is_zone = [](std::string_view zone) -> Status {
    return dns::check_name_text(zone, dns::NameUse::kDomain);
  };
  const auto keep = [this](std::optional<std::string>& out,
                           Status (*check)(std::string_view)) -> Reader {
    return [this, &out, check](const Sconf& v) -> Status {
      GW_TRY(std::string given, text(v));
      if (given.empty()) return {};
      if (auto good = check(given); !good) return wrong(v, good.error().message);
      out = std::move(given);
      return {};
    };
  };
  return members(value, "Monitor",
                 {{"Methods", [this](const Sconf& v) { return methods(v); }},
                  {"DNS", keep(dns_zone_, is_zone)},
                  {"GoProxy", keep(proxy_list_, is_list)},
                  {"GoProxyToolchain", checked("toolchain-proxy", is_list)},
                  {"Delay", time("first-check", kADay)},
                  {"Interval", time("interval", kMostInterval, kLeastInterval)}});
}

// ysco takes "9-17 mo" and looks at the hours only; and what else Schedule does not take.
Status Importer::schedule(const Sconf& value) {
  GW_TRY(const auto items, list(value));
  std::vector<std::string> out;
  for (const Sconf& item : items) {
    GW_TRY(const std::string given, text(item));
    auto cleaned = import_schedule_item(given);
    if (!cleaned) return wrong(item, cleaned.error().message);
    for (std::string& one : *cleaned) {
      if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
    }
  }
  out_.config.add_list("schedule", out);
  return {};
}

Status Importer::update(const Sconf& value) {
  const auto all = [this](const Sconf& v) -> Status {
    GW_TRY(const std::string given, text(v));
    if (given != "true" && given != "false")
      return wrong(v, quoted(given) + " is not true or false");
    if (given == "true") out_.config.add_flag("every-version", true);
    return {};
  };
  return members(value, "Update",
                 {{"Delay", time("delay", kMostDelay)},
                  {"Schedule", [this](const Sconf& v) { return schedule(v); }},
                  {"Jitter", time("jitter", kADay)},
                  {"All", all}});
}

Status Importer::gobuild(const Sconf& value) {
  const auto key = [this](const Sconf& v) -> Status {
    GW_TRY(std::string given, text(v));
    if (given.empty()) return {};
    if (auto good = tlog::VerifierKey::parse(given); !good) return wrong(v, good.error().message);
    key_ = std::move(given);
    return {};
  };
  return members(value, "Gobuild",
                 {{"VerifierKey", key, true}, {"BaseURL", checked("build-url", net::check_url)}});
}

Status Importer::links(const Sconf& value) {
  GW_TRY(const auto items, list(value));
  std::vector<std::string> out;
  for (const Sconf& item : items) {
    std::string url;
    std::string name;
    const auto keep = [this](std::string& to) -> Reader {
      return [this, &to](const Sconf& v) -> Status {
        GW_TRY(to, text(v));
        return {};
      };
    };
    GW_CHECK(members(item, "Links", {{"URL", keep(url), true}, {"Text", keep(name)}}));
    if (auto good = net::check_url(url); !good) return wrong(item, good.error().message);
    // NAME=URL: the first = is the one between them.
    std::replace(name.begin(), name.end(), '=', ' ');
    out.push_back(
        fmt::format("{}={}", trim(name).empty() ? "service" : std::string(trim(name)), url));
  }
  out_.config.add_list("link", out);
  return {};
}

Status Importer::process(const Sconf& value) {
  const auto capabilities = [this](const Sconf& v) -> Status {
    GW_TRY(const auto items, list(v));
    std::vector<std::string> out;
    for (const Sconf& item : items) {
      GW_TRY(const std::string name, text(item));
      auto capability = import_capability(name);
      if (!capability) return wrong(item, capability.error().message);
      out.push_back(*std::move(capability));
    }
    out_.config.add_list("ambient-capability", out);
    return {};
  };
  return members(value, "Process", {{"AmbientCapabilities", capabilities}});
}

void Importer::finish() {
  ConfigText& c = out_.config;
  if (!dns_ || dns_zone_) c.add("dns", dns_ ? *dns_zone_ : "off");
  if (!proxy_ || proxy_list_) c.add("proxy", proxy_ ? *proxy_list_ : "off");
  if (!key_) {
    out_.notes.push_back(
        "Gobuild names no service: ysco's own is taken, which the key in build-key is of");
  }
  c.add("build-key", key_.value_or(kYscoBuildKey));
  out_.delay = delay_.value_or(kDelayHere);
  if (!delay_) {
    out_.notes.push_back(
        "Update.Delay is not set: ysco then waits for nothing but up to an hour of jitter, while "
        "its documents say a day and its sample configuration 72h; here it is 72h");
    c.add_time("delay", kDelayHere);
  }
  out_.notes.push_back(
      "what ysco's command line says is none of its configuration: -addr and -adminaddr are "
      "--admin-listen here, -metricsaddr is --metrics-listen, -user --user, -groups --groups");
}

Status Importer::read(const Sconf& root) {
  const auto auth_file = [this](const Sconf& v) -> Status {
    GW_TRY(out_.auth_file, text(v));
    return out_.auth_file.empty() ? Status(wrong(v, "AuthFile is empty")) : Status();
  };
  const auto policies = [this](const Sconf& v) {
    return members(v, "Policy",
                   {{"Service", policy("module-policy", false)},
                    {"Self", ignored("Policy.Self")},
                    {"ServiceToolchain", policy("toolchain-policy", true)},
                    {"SelfToolchain", ignored("Policy.SelfToolchain")}});
  };
  GW_CHECK(members(root, "the configuration",
                   {{"LogLevel", [this](const Sconf& v) { return log_level(v); }, true},
                    {"AuthFile", auth_file, true},
                    {"Monitor", [this](const Sconf& v) { return monitor(v); }},
                    {"Policy", policies},
                    {"Update", [this](const Sconf& v) { return update(v); }},
                    {"Gobuild", [this](const Sconf& v) { return gobuild(v); }},
                    {"Links", [this](const Sconf& v) { return links(v); }},
                    {"Process", [this](const Sconf& v) { return process(v); }}}));
  finish();
  return {};
}

}  // namespace

Result<ImportedConfig> import_config(std::string_view text, std::string_view file) {
  GW_TRY(const Sconf root, parse_sconf(text, file));
  ImportedConfig out;
  GW_CHECK(Importer(file, out).read(root));
  return out;
}

}  // namespace gw::supervise
