// The options of following, which follow-tlog and serve-dns --follow share, and a follower made of
// them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "follow/follower.h"
#include "follow/options.h"
#include "follow/progress.h"
#include "frame/options.h"
#include "groups.h"
#include "os/stop.h"
#include "os/systemd.h"
#include "store/types.h"
#include "tlog/go_log.h"

namespace gw::cmd {

struct FollowValues {
  LogSourceValues log;
  follow::From from;
  const tlog::LogFormat* form = &tlog::kGoLog;  // only follow-tlog lets it be chosen
  std::optional<store::Keep> keep;
  std::chrono::seconds interval = std::chrono::minutes(10);
  std::chrono::seconds max_age = std::chrono::hours(6);
  std::vector<std::string> submit_latest;
  std::vector<std::string> compare_latest;
  std::string on_alarm;
};
void add_follow(Command& command, FollowValues* v);

// A follower with everything it borrows. Move it nowhere; keep it until following has ended.
struct FollowParts {
  std::unique_ptr<os::Heartbeat> heartbeat;  // none without a watchdog
  std::unique_ptr<tlog::TileSource> source;
  std::unique_ptr<follow::HeadExchange> exchange;
  std::unique_ptr<follow::ProgressReporter> progress;
  std::unique_ptr<follow::Follower> follower;
};
// Who hears of it and who ends it; borrowed.
struct FollowedBy {
  const Logger& log;
  const os::Stop& stop;
  const os::Notifier* notifier = nullptr;  // null: no service manager
};
// kUsage for a bad key, source or URL.
Result<std::unique_ptr<FollowParts>> make_follower(Context& ctx, const FollowValues& v,
                                                   const std::string& db, const FollowedBy& by);

}  // namespace gw::cmd
