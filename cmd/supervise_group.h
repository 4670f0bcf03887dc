// The options of gwtool supervise, and what of them its commands without a supervisor share.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frame/options.h"
#include "groups.h"
#include "supervise/options.h"
#include "update/plan.h"

namespace gw::cmd {

// The directory that a supervisor keeps its files in: --dir.
struct SuperviseDir {
  std::string dir = "gw";
};
void add_supervise_dir(Command& command, std::string* out);

// What decides about updates: policies, delay, schedule.
struct DecisionValues {
  update::Policies policies;
  update::Timing timing;
  std::vector<std::string> schedule;
  std::optional<std::string> time_zone;
  std::vector<std::string> blackouts;

  Result<update::Schedule> make_schedule() const;
};
void add_decisions(Command& command, DecisionValues* out);
void add_time_zone(Command& command, std::optional<std::string>* out);
// kUsage; the machine's zone when there is no name.
Result<update::TimeZone> zone_of(const std::optional<std::string>& name);

struct SuperviseValues : SuperviseDir, ResolverPlace {
  supervise::Options options;
  DecisionValues decisions;
  std::string dns = "l.gopherwatch.org";
  bool need_secure = true;
  std::optional<std::string> ca_file, build_key, build_url;
  std::string proxy = "https://proxy.golang.org/cached-only";
  std::optional<std::string> toolchain_proxy;
  std::chrono::milliseconds trial = std::chrono::seconds(5);
  std::string user, helper_user, page_user;
  std::optional<std::string> ready;
  std::vector<std::string> groups, ambient, limits;
  std::optional<std::string> log_key, log_source, cache;
  std::string builder_user;
  std::optional<std::string> build_servers;
  std::optional<std::string> admin, metrics, password, token, certificate, certificate_key;
  std::vector<std::string> origins, links;
};
void add_supervise(Command& command, const std::shared_ptr<SuperviseValues>& v);
// The parts of it that say when and how an update is installed, how the service runs, and what its
// page is (supervise_service_group.cc).
void add_supervise_update(Command& command, const std::shared_ptr<SuperviseValues>& v);
void add_supervise_service(Command& command, const std::shared_ptr<SuperviseValues>& v);
void add_supervise_page(Command& command, const std::shared_ptr<SuperviseValues>& v);
// NAME=URL. kUsage.
Result<std::pair<std::string, std::string>> parse_page_link(std::string_view text);
// The part of it that says where versions and builds come from
// (supervise_sources_group.cc).
void add_supervise_sources(Command& command, const std::shared_ptr<SuperviseValues>& v);
// The part of it that says who builds, and what is known of what was built.
void add_supervise_builds(Command& command, const std::shared_ptr<SuperviseValues>& v);
// What --dns and --proxy say for none.
inline constexpr std::string_view kSwitchedOff = "off";
// What the library takes. kUsage.
Result<supervise::Options> supervise_options(const SuperviseValues& v);

// The commands beside it that ask one that runs (supervise_asks.cc).
void add_supervise_asks(Command& command);
// Those that need none: schedule and explain (supervise_explain.cc).
void add_supervise_explain(Command& command);
// What it runs itself, hidden: the helper and the page (supervise_processes.cc).
void add_supervise_processes(Command& command);
// Those before it (supervise_setup.cc).
void add_supervise_setup(Command& command);

}  // namespace gw::cmd
