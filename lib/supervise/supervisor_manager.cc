// Between the service manager and the service: sockets, readiness and the watchdog pass through us,
// and an update is none of the manager's business.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "http/endpoint.h"
#include "supervise/readiness.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::uint16_t kNoPort = 0;
constexpr std::chrono::seconds kLeftTime{5};
constexpr std::chrono::milliseconds kLeftPause{100};

// Between two signs of life; not so short that nothing else would be done.
Duration pause_of(std::chrono::microseconds watchdog) {
  return std::max<Duration>(watchdog / 2, std::chrono::milliseconds(1));
}

// Who answers there may be about to end: a service whose supervisor was killed before it had
// written down whom it started.
Result<http::Listener> listen_at(http::Endpoint& endpoint) {
  auto fd = http::listen_on(endpoint);
  const auto end = system_clock().mono() + kLeftTime;
  while (!fd && system_clock().mono() < end) {
    const bool held = try_readiness({ReadyBy::kTcp, endpoint.format()}, kLeftPause).has_value();
    fd = http::listen_on(endpoint);  // it may have ended just before we looked
    if (fd || !held) return fd;
    std::this_thread::sleep_for(kLeftPause);
  }
  return fd;
}

}  // namespace

// Of a socket that was left to us. A socket unit's is the manager's.
void Supervisor::note_listen_file(int fd) {
  for (const std::string& text : options_.listen) {
    const auto endpoint = http::Endpoint::parse(text, kNoPort);
    if (!endpoint || !endpoint->is_unix()) continue;
    auto file = os::SocketFile::of(fd, endpoint->unix_path);
    if (file) listen_files_.push_back(*std::move(file));
  }
}

void Supervisor::remove_listen_files() {
  for (const os::SocketFile& file : listen_files_) file.remove();
  listen_files_.clear();
}

// Takes the manager's variables out of our environment: from now on nobody we start has them but
// the service, as they are for it.
Status Supervisor::take_from_manager() {
  if (handover_) {
    take_sockets_left();
    for (const auto& socket : handed_.sockets) note_listen_file(socket.fd.get());
  } else {
    GW_TRY(handed_.sockets, os::take_listening_sockets());
  }
  for (const std::string& text : options_.listen) {
    if (handover_) break;  // they are among them
    GW_TRY(auto endpoint, http::Endpoint::parse(text, kNoPort));
    GW_TRY(http::Listener listener, listen_at(endpoint));
    log_.info("listening", {{"address", endpoint.format()}});
    // At once: the next one may not come about.
    if (listener.file) listen_files_.push_back(*std::move(listener.file));
    handed_.sockets.push_back({std::move(listener.fd), "listen"});
  }
  // Not at a takeover, where the service must not end by it: updates go one after the other then.
  if (options_.overlap && handed_.sockets.empty() && !handover_) {
    return usage_error("--overlap needs a socket that is held",
                       "give --listen, or start it by a socket unit");
  }
  notifier_ = os::Notifier::from_environment();
  const auto interval = notifier_.watchdog_interval();
  if (interval) handed_.watchdog = 2 * *interval;
  const auto listener = [this](const os::Notification& n) { heard(n); };
  if (handover_ && handover_->relay >= 0) {
    // The service knows its address.
    GW_TRY(relay_, os::NotifyRelay::adopt(*loop_, kept_descriptor(handover_->relay),
                                          handover_->relay_address, listener));
  } else if (notifier_.active() || options_.ready.by == ReadyBy::kNotify) {
    GW_TRY(relay_, os::NotifyRelay::make(*loop_, listener));
  } else {
    return {};
  }
  handed_.notify = relay_->address();
  GW_TRY(watchdog_timer_, loop_->timer([this](os::Loop::Timer::Why) { feed_watchdog(); }));
  return set_watchdog(handover_ && handover_->watchdog ? *handover_->watchdog : handed_.watchdog);
}

// From the manager, or another one that the service asked it for.
Status Supervisor::set_watchdog(std::chrono::microseconds interval) {
  watchdog_ = interval;
  if (interval.count() == 0) return watchdog_timer_.cancel();
  return watchdog_timer_.after(pause_of(interval));
}

// One that is started anew knows nothing of what the one before it asked for.
void Supervisor::reset_watchdog() {
  if (watchdog_ == handed_.watchdog) return;
  (void)notifier_.relay(fmt::format("WATCHDOG_USEC={}\n", handed_.watchdog.count()));
  if (auto set = set_watchdog(handed_.watchdog); !set) log_.error("watchdog", set.error());
}

void Supervisor::relay_to_manager(const os::Notification& notification) {
  (void)notifier_.relay(os::relayed_lines(notification, now_ == update::State::kEnding));
  if (notification.watchdog_usec && notifier_.active()) {
    constexpr std::uint64_t kNone = std::uint64_t{1} << 52U;  // a century, or infinity
    const std::uint64_t usec = *notification.watchdog_usec;
    if (auto set = set_watchdog(std::chrono::microseconds(usec < kNone ? usec : 0)); !set) {
      log_.error("watchdog", set.error());
    }
  }
}

// Only the service itself speaks for the service.
void Supervisor::heard(const os::Notification& notification) {
  if (beside_ && notification.pid == beside_->pid()) {
    // Not in our name yet: the old one is what is asked.
    if (notification.status) beside_said_.status = notification.status;
    if (notification.watchdog_usec) beside_said_.watchdog_usec = notification.watchdog_usec;
    if (notification.ready && now_ == update::State::kBeside &&
        options_.ready.by == ReadyBy::kNotify) {
      happen(update::Event::kTrialPassed);
    }
    return;
  }
  if (!service_ || notification.pid != service_->pid()) return;
  relay_to_manager(notification);
  if (notification.ready) {
    ready_said_ = true;
    rest_soon();
  }
  if (notification.ready && now_ == update::State::kTrial &&
      options_.ready.by == ReadyBy::kNotify) {
    happen(update::Event::kTrialPassed);
  }
}

// While the service is exchanged it cannot; otherwise it is the service that must.
void Supervisor::feed_watchdog() {
  using enum update::State;
  if (now_ == kStopping || now_ == kTrial || now_ == kReverting || now_ == kEnding ||
      now_ == kEnded) {
    (void)notifier_.relay("WATCHDOG=1\n");  // also where only the service asked for it
  }
  (void)watchdog_timer_.after(pause_of(watchdog_));
}

}  // namespace gw::supervise
