// What a call of gwtool build says on a terminal while it is under way.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "frame/options.h"
#include "module/proxy.h"

namespace gw::cmd {

// Where it stands, on a terminal: one line, with the time since the call began in front. Any
// thread.
class BuildProgress {
 public:
  explicit BuildProgress(Context& ctx) : ctx_(ctx), start_(ctx.clock.mono()) {}

  void say(std::string_view text) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(elapsed()).count();
    std::string line = fmt::format("{}:{:02} {}", seconds / 60, seconds % 60, text);
    const MutexLock lock(mutex_);
    if (line == shown_) return;
    ctx_.out.progress(line);
    shown_ = std::move(line);
  }
  // Something else is about to be written.
  void clear() {
    const MutexLock lock(mutex_);
    ctx_.out.progress("");
    shown_.clear();
  }
  void fetched(const mod::ProxyRequest& request, std::uint64_t bytes) {
    say(fmt::format("fetched {} ({} files, {} kB)", request.module, ++files_,
                    (bytes_ += bytes) >> 10U));
  }
  // A large file on its way; not each piece of it.
  void received(const mod::ProxyRequest& request, std::uint64_t bytes, std::uint64_t all) {
    constexpr std::chrono::milliseconds kEvery{100};
    const auto now = elapsed().count();
    auto next = next_.load();
    if (now < next || !next_.compare_exchange_strong(next, now + Duration(kEvery).count())) return;
    say(fmt::format("fetching {}: {}{} kB", request.module, bytes >> 10U,
                    all > 0 ? fmt::format(" of {}", all >> 10U) : std::string()));
  }

 private:
  Duration elapsed() const { return ctx_.clock.mono() - start_; }

  Context& ctx_;
  const MonoTime start_;
  std::atomic<std::uint64_t> files_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<Duration::rep> next_ = 0;
  Mutex mutex_;
  std::string shown_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::cmd
