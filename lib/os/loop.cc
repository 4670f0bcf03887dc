#include "os/loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"

namespace gw::os {

namespace {

constexpr std::uint64_t kWakeUp = 0;  // the id of our own event

}  // namespace

Result<std::unique_ptr<Loop>> Loop::make() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return errno_error("epoll_create", errno);
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return errno_error("eventfd", errno);
  std::unique_ptr<Loop> loop(new Loop(std::move(epoll), std::move(event)));
  GW_CHECK(loop->add(loop->event_.get(), EPOLLIN, kWakeUp));
  return loop;
}

Status Loop::add(int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return errno_error("watching a descriptor", errno);
  }
  return {};
}

Result<Loop::Watch> Loop::watch(int fd, std::uint32_t events, Callback callback) {
  const std::uint64_t id = next_id_++;
  GW_CHECK(add(fd, events, id));
  callbacks_.emplace(id, std::make_shared<Callback>(std::move(callback)));
  return Watch(this, fd, id);
}

Loop::Watch& Loop::Watch::operator=(Watch&& o) noexcept {
  if (this != &o) {
    end();
    loop_ = std::exchange(o.loop_, nullptr);
    fd_ = o.fd_;
    id_ = o.id_;
    owned_ = std::move(o.owned_);
  }
  return *this;
}

void Loop::Watch::end() {
  if (loop_ == nullptr) return;
  // Fails where the descriptor was closed already, which ended the watching as well.
  ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
  loop_->callbacks_.erase(id_);
  loop_ = nullptr;
  owned_.reset();
}

Status Loop::Watch::change(std::uint32_t events) const {
  if (loop_ == nullptr) return internal_error("a watch that has ended");
  epoll_event event{};
  event.events = events;
  event.data.u64 = id_;
  if (::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_MOD, fd_, &event) != 0) {
    return errno_error("watching a descriptor", errno);
  }
  return {};
}

// ---- timers ----

Result<Loop::Timer> Loop::timer(std::function<void(Timer::Why)> callback) {
  Timer timer;
  timer.mono_ = Fd(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  timer.wall_ = Fd(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.mono_ || !timer.wall_) return errno_error("timerfd_create", errno);
  const auto shared = std::make_shared<std::function<void(Timer::Why)>>(std::move(callback));
  const auto on_time = [shared](int fd) {
    std::uint64_t times = 0;
    if (::read(fd, &times, sizeof times) == static_cast<ssize_t>(sizeof times)) {
      (*shared)(Timer::Why::kTime);
    } else if (errno == ECANCELED) {
      const itimerspec none{};
      ::timerfd_settime(fd, 0, &none, nullptr);
      (*shared)(Timer::Why::kClockSet);
    }  // else it was set anew after it had expired
  };
  const int mono = timer.mono_.get();
  const int wall = timer.wall_.get();
  GW_TRY(timer.mono_watch_, watch(mono, EPOLLIN, [=](std::uint32_t) { on_time(mono); }));
  GW_TRY(timer.wall_watch_, watch(wall, EPOLLIN, [=](std::uint32_t) { on_time(wall); }));
  return timer;
}

Status Loop::Timer::set(bool wall, std::chrono::nanoseconds at, int flags) const {
  constexpr std::int64_t kNano = 1'000'000'000;
  itimerspec spec{};
  // Zero would turn it off, and a time that is over is now.
  const std::int64_t count = std::max<std::int64_t>(at.count(), 1);
  spec.it_value.tv_sec = static_cast<time_t>(count / kNano);
  spec.it_value.tv_nsec = static_cast<long>(count % kNano);
  GW_CHECK(cancel());
  if (::timerfd_settime(wall ? wall_.get() : mono_.get(), flags, &spec, nullptr) != 0) {
    return errno_error("setting a timer", errno);
  }
  return {};
}

Status Loop::Timer::after(Duration delay) const { return set(false, delay, 0); }

Status Loop::Timer::at(WallTime when) const {
  // What nanoseconds cannot count to is as good as the last that they can.
  constexpr WallTime kLast{std::chrono::seconds(INT64_MAX / 1'000'000'000)};
  const WallTime bounded = std::clamp(when, WallTime{}, kLast);
  return set(true, bounded.time_since_epoch(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
}

Status Loop::Timer::cancel() const {
  const itimerspec none{};
  for (const Fd* fd : {&mono_, &wall_}) {
    if (::timerfd_settime(fd->get(), 0, &none, nullptr) != 0) {
      return errno_error("cancelling a timer", errno);
    }
  }
  return {};
}

// ---- signals ----

Result<Loop::Watch> Loop::signals(const std::vector<int>& numbers,
                                  std::function<void(const signalfd_siginfo&)> callback) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) {
    if (sigaddset(&set, number) != 0) return errno_error("a signal's number", errno);
  }
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return errno_error("signalfd", errno);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return errno_error("blocking signals", error);
  }
  // One at a time, as the callback may end the watch and so close the descriptor.
  const auto on_signal = [fd = fd.get(), callback = std::move(callback)](std::uint32_t) {
    signalfd_siginfo info{};
    if (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) callback(info);
  };
  GW_TRY(Watch watch, this->watch(fd.get(), EPOLLIN, on_signal));
  watch.owned_ = std::move(fd);
  return watch;
}

// ---- running ----

void Loop::wake() const {
  const std::uint64_t one = 1;
  const int saved = errno;  // may run in a signal handler
  [[maybe_unused]] const ssize_t n = ::write(event_.get(), &one, sizeof one);
  errno = saved;
}

void Loop::post(std::function<void()> work) {
  {
    const MutexLock lock(mutex_);
    posted_.push_back(std::move(work));
  }
  wake();
}

void Loop::take_posted() {
  std::vector<std::function<void()>> work;
  {
    const MutexLock lock(mutex_);
    work.swap(posted_);
  }
  for (const auto& w : work) w();
}

Status Loop::run() {
  while (!stop_.load()) GW_CHECK(run_once());
  return {};
}

int Loop::wait(std::array<epoll_event, 64>& events, int timeout) {
  const int size = static_cast<int>(events.size());
  if (idle_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), size, 0);
    if (count != 0) return count;
    std::exchange(idle_, nullptr)();
  }
  return ::epoll_wait(epoll_.get(), events.data(), size, timeout);
}

Status Loop::run_once(std::optional<Duration> timeout) {
  int limit = -1;
  if (timeout) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
    limit = static_cast<int>(std::clamp<std::int64_t>(ms, 0, 1 << 30));
  }
  std::array<epoll_event, 64> events;
  const int count = wait(events, limit);
  if (count < 0 && errno == EINTR) return {};
  if (count < 0) return errno_error("epoll_wait", errno);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const std::uint64_t id =
        event.data.u64;  // a copy: epoll_event is packed, its members unaligned
    if (id == kWakeUp) {
      std::uint64_t times = 0;
      [[maybe_unused]] const ssize_t n = ::read(event_.get(), &times, sizeof times);
      take_posted();
      continue;
    }
    const auto it = callbacks_.find(id);
    if (it == callbacks_.end()) continue;  // an earlier callback ended it
    const auto callback = it->second;
    (*callback)(event.events);
  }
  return {};
}

}  // namespace gw::os
