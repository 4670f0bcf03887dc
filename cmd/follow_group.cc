#include "follow_group.h"

#include "base/result.h"
#include "follow/kept_alive.h"
#include "follow/net_exchange.h"
#include "net/http_url.h"
#include "net/source.h"
#include "tlog/build_log.h"
#include "tlog/note.h"

namespace gw::cmd {
namespace {

Status check_origin(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return net::check_url(text);
  return {};
}

// The longest that one call for files or heads may take before the watchdog is left to bite: as
// many files as are asked for at once, from a server that lets every one of them time out.
constexpr std::chrono::minutes kLongestWait{15};

Option from_option(FollowValues* v) {
  return custom_option(
             "from", "POSITION",
             [v](std::string_view text) -> Status {
               GW_TRY(v->from, follow::From::parse(text));
               return {};
             },
             "where a new database begins: genesis, tip or a record number")
      .default_text("genesis")
      .more(
          "A number, or the tip, is rounded down to a multiple of 256 and makes the database "
          "partial: versions logged before are missing, so the latest of a module may be wrong "
          "and repeated versions go unseen. A database that exists goes on where it stopped.");
}

Option keep_option(FollowValues* v) {
  return choice_option_of(
             "keep", "WHAT",
             {{"versions", "module, version and record number"},
              {"records", "also both sums, so that every record can be proven from the database"}},
             0,
             [v](std::size_t i) {
               v->keep = i == 0 ? store::Keep::kVersions : store::Keep::kRecords;
             },
             "how much of each record a new database keeps")
      .more("The second takes about four times the room. An existing database cannot be changed.");
}

}  // namespace

void add_follow(Command& command, FollowValues* v) {
  add_log_source(command, &v->log);
  command.add(from_option(v));
  command.add(keep_option(v));
  command.add(duration_option("interval", &v->interval, std::chrono::seconds(1),
                              std::chrono::hours(24), "pause between two looks at the log")
                  .more("Varied by a tenth, so that not all followers come at once, and replaced "
                        "by shorter ones that grow after an error."));
  command.add(duration_option("max-age", &v->max_age, std::chrono::seconds(1),
                              std::chrono::hours(24 * 365), "age of the head that is too old")
                  .more("A log that is frozen, or kept from us, is seen by nothing else: the loop "
                        "warns, and --status ends with 1."));
  command.add(
      list_option("submit-latest", "URL", &v->submit_latest, "post every new head to this address")
          .check([](std::string_view url) { return net::check_url(url); })
          .more("The signed note, at least once, with retries that outlive a restart. What an "
                "address was still to get when others are given in its place is told, and lost."));
  command.add(list_option("compare-latest", "URL|FILE", &v->compare_latest,
                          "a head that somebody else saw, to compare with")
                  .check(check_origin)
                  .more("It must be of the same history: a log that shows different trees to "
                        "different people is found out."));
  command.add(text_option("on-alarm", "COMMAND", &v->on_alarm,
                          "run this by sh when a security error halts following")
                  .more("The path of the evidence file is added as its last argument."));
}

Result<std::unique_ptr<FollowParts>> make_follower(Context& ctx, const FollowValues& v,
                                                   const std::string& db, const FollowedBy& by) {
  auto parts = std::make_unique<FollowParts>();
  follow::FollowOptions options;
  auto key = tlog::VerifierKey::parse(v.log.log_key);
  if (!key) return std::move(key).error().in("--log-key");
  options.db = db;
  options.key = *std::move(key);
  options.format = v.form;
  options.keep = v.keep;
  options.from = v.from;
  options.interval = v.interval;
  options.max_age = v.max_age;
  options.submit_latest = v.submit_latest;
  options.compare_latest = v.compare_latest;
  options.on_alarm = v.on_alarm;

  net::SourceOptions where;
  where.log_name = options.key.name();
  where.source =
      v.log.source.value_or(v.form == &tlog::kBuildLog ? tlog::build_log_url(where.log_name) : "");
  where.proxy = v.log.proxy.value_or("");
  where.http.ca_file = v.log.ca_file.value_or("");
  where.http.stop = &by.stop;
  GW_TRY(parts->exchange, follow::make_exchange(where.http));
  GW_TRY(parts->source, net::make_source(where));

  std::function<void(std::string_view)> terminal;
  if (ctx.out.settings().terminal) {
    terminal = [&ctx](std::string_view line) { ctx.out.progress(line); };
  }
  parts->progress = std::make_unique<follow::ProgressReporter>(std::move(terminal), by.log);

  follow::FollowEnvironment environment;
  if (by.notifier != nullptr && by.notifier->watchdog_interval()) {
    parts->heartbeat = std::make_unique<os::Heartbeat>(*by.notifier, kLongestWait);
    os::Heartbeat& heart = *parts->heartbeat;
    parts->source = follow::kept_alive(std::move(parts->source), heart);
    parts->exchange = follow::kept_alive(std::move(parts->exchange), heart);
  }
  environment.source = parts->source.get();
  environment.exchange = parts->exchange.get();
  environment.clock = &ctx.clock;
  environment.log = &by.log;
  environment.notifier = by.notifier;
  environment.progress = [reporter = parts->progress.get(),
                          heart = parts->heartbeat.get()](const follow::Progress& p) {
    if (heart != nullptr) heart->alive();
    (*reporter)(p);
  };
  environment.print_evidence = [&ctx](std::string_view text) { ctx.out.lines(text); };
  GW_TRY(parts->follower, follow::Follower::open(std::move(options), std::move(environment)));
  return parts;
}

}  // namespace gw::cmd
