#include "follow/progress.h"

#include <fmt/format.h>

namespace gw::follow {
namespace {

constexpr std::chrono::milliseconds kLogEvery = std::chrono::seconds(30);

std::string format_left(std::uint64_t seconds) {
  std::string out;
  if (seconds >= 3600) out += fmt::format("{}h", seconds / 3600);
  if (seconds >= 60) out += fmt::format("{}m", seconds / 60 % 60);
  return fmt::format("{}{}s", out, seconds % 60);
}

std::uint64_t rate(const Progress& p) {
  const auto ms = static_cast<std::uint64_t>(p.elapsed.count());
  return ms == 0 ? 0 : (p.position - p.first) * 1000 / ms;
}

}  // namespace

std::string format_progress(const Progress& p) {
  std::string out = fmt::format("{} of {} records", p.position, p.target);
  const std::uint64_t per_second = rate(p);
  if (per_second == 0) return out;
  out += fmt::format(", {}/s", per_second);
  if (p.position < p.target) {
    out += fmt::format(", {} left", format_left((p.target - p.position) / per_second));
  }
  return out;
}

void ProgressReporter::operator()(const Progress& p) {
  if (terminal_) {
    terminal_(p.position == p.target ? std::string() : format_progress(p));
    return;
  }
  if (p.first != run_ || p.elapsed < logged_) {
    run_ = p.first;
    logged_ = std::chrono::milliseconds(0);
  }
  if (p.elapsed - logged_ < kLogEvery) return;
  logged_ = p.elapsed;
  const std::uint64_t per_second = rate(p);
  const std::uint64_t left = per_second == 0 ? 0 : (p.target - p.position) / per_second;
  log_.info("following", {{"position", p.position},
                          {"size", p.target},
                          {"per_second", per_second},
                          {"seconds_left", left}});
}

}  // namespace gw::follow
