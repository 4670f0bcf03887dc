#include "buildd/other_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/text.h"
#include "os/file.h"
#include "tlog/build_log.h"
#include "tlog/record_prover.h"

namespace gw::buildd {

namespace {

constexpr std::size_t kMaxStateFile = std::size_t{16} << 20U;
constexpr std::size_t kReadAtOnce = 256;
constexpr std::uint64_t kMaxRound = 100'000;  // records; more are for the next one
constexpr std::chrono::hours kTryAgainEvery{1};
constexpr std::chrono::milliseconds kQueueFull{500};

}  // namespace

std::string format_other_log_state(const OtherLogState& state) {
  std::string out = fmt::format("{}\n", state.next);
  for (const std::uint64_t n : state.again) out += fmt::format("{}\n", n);
  return out;
}

Result<OtherLogState> parse_other_log_state(std::string_view text) {
  OtherLogState out;
  bool first = true;
  while (!text.empty()) {
    const auto number = parse_decimal(take_line(text));
    if (!number || (!first && *number >= out.next)) return corrupt_error("not a follower's state");
    if (first) {
      out.next = *number;
    } else {
      out.again.insert(*number);
    }
    first = false;
  }
  if (first) return corrupt_error("not a follower's state");
  return out;
}

// How the builds under way ended. Watchers may outlive the round: they share it.
struct OtherLog::Waiting {
  Mutex mutex;
  Condition changed;
  std::map<std::uint64_t, BuildUpdate> ended GW_GUARDED_BY(mutex);
};

Result<std::unique_ptr<OtherLog>> OtherLog::make(Open open, std::string state_file,
                                                 std::size_t at_once, OtherLogParts parts) {
  std::unique_ptr<OtherLog> out(new OtherLog(std::move(open), std::move(state_file),
                                             std::max<std::size_t>(1, at_once), parts));
  const auto text = os::read_file(out->state_file_, kMaxStateFile);
  if (!text && text.error().kind == ErrorKind::kNotFound) return out;
  if (!text) return text.error();
  auto state = parse_other_log_state(*text);
  if (!state) return std::move(state).error().in(out->state_file_);
  out->state_ = *std::move(state);
  return out;
}

Status OtherLog::save() const {
  metric_set(Metric::kBuildFollowed, static_cast<std::int64_t>(state_.next - state_.again.size()));
  return os::write_file_atomic(state_file_, format_other_log_state(state_), 0644);
}

Status OtherLog::round() {
  GW_TRY(const auto client, open_());
  GW_TRY(const tlog::Checkpoint head, client->latest());
  tlog::RecordProver prover(client->source(), head);
  std::vector<std::uint64_t> numbers;
  if (parts_.clock.mono() >= again_at_) {
    numbers.assign(state_.again.begin(), state_.again.end());
    again_at_ = parts_.clock.mono() + kTryAgainEvery;
  }
  const std::uint64_t end = std::min(head.size(), state_.next + kMaxRound);
  for (std::uint64_t n = state_.next; n < end; ++n) numbers.push_back(n);
  for (std::size_t first = 0; first < numbers.size(); first += kReadAtOnce) {
    const auto some =
        std::span(numbers).subspan(first, std::min(kReadAtOnce, numbers.size() - first));
    prover.load(some);
    std::vector<std::pair<std::uint64_t, std::string>> records;
    for (const std::uint64_t n : some) {
      GW_TRY(std::string text, prover.fetch(n));
      records.emplace_back(n, std::move(text));
    }
    // From here on they are what the other log has signed.
    GW_CHECK(run(records));
  }
  return save();
}

// What is to be said of a record whose build has ended.
OtherLog::End OtherLog::settle(std::uint64_t number, const std::string& record,
                               const BuildUpdate& end) const {
  const auto target = tlog::parse_build_record(record);
  const std::string key = target ? tlog::format_build_key(target->target) : "";
  const auto built = parts_.ledger.find_built(key);
  if (built && *built && (*built)->record == record) return End::kSettled;
  if (built && *built) {
    metric_add(Metric::kBuildDisagreements);
    parts_.logger.write(LogLevel::kError, "another record",
                        {{"number", number}, {"theirs", record}, {"ours", (*built)->record}});
    return End::kSettled;
  }
  parts_.logger.warning("not verified", {{"number", number}, {"key", key}, {"error", end.error}});
  // They say that it can be built.
  if (end.kind == BuildUpdate::Kind::kPermFailed) metric_add(Metric::kBuildDisagreements);
  return End::kAgain;
}

Status OtherLog::run(const std::vector<std::pair<std::uint64_t, std::string>>& records) {
  const auto waiting = std::make_shared<Waiting>();
  std::map<std::uint64_t, std::string> under_way;
  const auto settle_one = [&](std::uint64_t number, const std::string& record,
                              const BuildUpdate& end) {
    if (settle(number, record, end) == End::kSettled) state_.again.erase(number);
  };
  // Whatever ends this, none is forgotten.
  for (const auto& [number, record] : records) {
    state_.again.insert(number);
    state_.next = std::max(state_.next, number + 1);
  }
  // Until no more than that many are under way.
  const auto wait = [&](std::size_t most) -> Status {
    while (under_way.size() > most) {
      if (parts_.stop.requested()) return unavailable_error("stopped");
      std::map<std::uint64_t, BuildUpdate> ended;
      {
        const MutexLock lock(waiting->mutex);
        if (waiting->ended.empty()) {
          waiting->changed.wait_until(waiting->mutex, system_clock().mono() + kQueueFull);
        }
        ended.swap(waiting->ended);
      }
      for (const auto& [number, end] : ended) {
        settle_one(number, under_way[number], end);
        under_way.erase(number);
      }
    }
    return {};
  };
  for (const auto& [number, record] : records) {
    const auto parsed = tlog::parse_build_record(record);
    if (!parsed) {
      parts_.logger.warning("irregular record", {{"number", number}});
      state_.again.erase(number);
      continue;
    }
    const auto known = parts_.ledger.find_built(tlog::format_build_key(parsed->target));
    if (known && *known) {
      settle_one(number, record, {});
      continue;
    }
    GW_CHECK(wait(at_once_ - 1));
    const std::uint64_t n = number;
    under_way[n] = record;
    const auto watcher = [waiting, n](const BuildUpdate& update) {
      if (!update.last()) return true;
      const MutexLock lock(waiting->mutex);
      waiting->ended[n] = update;
      waiting->changed.notify_all();
      return false;
    };
    while (!parts_.queue.submit(build::key_of_record(*parsed), watcher)) {
      if (parts_.stop.wait_for(kQueueFull)) return unavailable_error("stopped");
    }
  }
  Status all = wait(0);
  GW_CHECK(save());
  return all;
}

}  // namespace gw::buildd
