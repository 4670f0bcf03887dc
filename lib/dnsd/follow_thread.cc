#include "dnsd/follow_thread.h"

#include <utility>

#include "base/metrics.h"

namespace gw::dnsd {

FollowThread::~FollowThread() {
  stop_.request();
  if (thread_.joinable()) thread_.join();
}

Status FollowThread::start() {
  auto follow = open_(stop_);
  if (!follow) {
    if (follow.error().kind != ErrorKind::kUntrusted) return std::move(follow).error();
    halt(follow.error());
    return {};
  }
  follow_ = *std::move(follow);
  say("running");
  GW_TRY(thread_, os::start_thread([this] { run(); }));
  metric_set(Metric::kServeFollowing, 1);
  return {};
}

std::string FollowThread::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

void FollowThread::run() {
  while (!stop_.requested()) {
    const Status status = follow_(stop_);
    if (status) return;
    if (status.error().kind == ErrorKind::kUntrusted) return halt(status.error());
    log_.error("following_failed", status.error());
    say("failed, trying again: " + status.error().message);
    if (stop_.wait_for(retry_)) return;
    say("running");
  }
}

void FollowThread::halt(const Error& error) {
  log_.error("following_halted", error);
  metric_set(Metric::kServeFollowing, 0);
  say("halted: " + error.message);
}

void FollowThread::say(std::string state) {
  const MutexLock lock(mutex_);
  state_ = std::move(state);
}

}  // namespace gw::dnsd
