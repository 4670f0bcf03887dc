#include "dnsd/change_watch.h"

#include <poll.h>

#include <algorithm>
#include <array>

namespace gw::dnsd {

ChangeWatch::ChangeWatch(const Clock& clock, std::function<std::vector<std::string>()> files)
    : clock_(clock), files_(std::move(files)), quick_until_(clock.mono()) {
  if (auto watch = os::FileWatch::make(); watch) watch_.emplace(*std::move(watch));
}

// Watches what is to be watched; a directory that was replaced is found again.
void ChangeWatch::listen() {
  std::vector<std::string> files = files_();
  told_ = watch_.has_value();
  for (const std::string& file : files) told_ = told_ && watch_->add(file);
  // What changed before it was watched was told to nobody.
  if (files != watched_ || !told_) quick_until_ = clock_.mono() + kQuickFor;
  watched_ = std::move(files);
}

bool ChangeWatch::wait(const os::Stop& stop, const ReloadRequest& reload, Duration most) {
  if (clock_.mono() >= quick_until_) listen();
  const bool deaf = quick() || stop.fd() < 0 || reload.fd() < 0;
  const Duration longest = deaf ? Duration(kQuick) : Duration(kSlow);
  const auto timeout =
      std::chrono::ceil<std::chrono::milliseconds>(std::clamp(most, Duration::zero(), longest));
  std::array<pollfd, 3> fds{
      {{stop.fd(), POLLIN, 0}, {reload.fd(), POLLIN, 0}, {deaf ? -1 : watch_->fd(), POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
  const MonoTime now = clock_.mono();
  if (watch_ && watch_->drain()) {
    quick_until_ = now + kQuickFor;
  } else if (fds[2].revents != 0) {
    quick_until_ = now + kQuick;  // another file's: no need to hear of each
  }
  return stop.requested();
}

}  // namespace gw::dnsd
