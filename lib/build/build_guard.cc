#include "build/build_guard.h"

#include <fmt/format.h>

#include <algorithm>

#include "build/build_group.h"

namespace gw::build {

namespace {

constexpr std::uint64_t kMega = 1'000'000;
// So much less of the disk is a reason to walk through the directory.
constexpr std::uint64_t kStepBytes = 64 * kMega;
constexpr std::uint64_t kStepFiles = 20'000;
constexpr std::chrono::seconds kWalkEvery{5};
// Who tries more often than that is not a compiler in doubt.
constexpr std::uint64_t kMaxRefusals = 1000;
constexpr std::size_t kMaxNames = 100;

os::FreeSpace space_of(const os::Dir& dir) {
  const auto space = os::free_space(dir);
  return space ? *space : os::FreeSpace{};
}

}  // namespace

FoundReason limit_reason(Reason reason, const BuildLimits& limits) {
  switch (reason) {
    case Reason::kMemoryLimit:
      return {reason,
              fmt::format("the build used more than {} MB of memory", limits.memory_bytes / kMega)};
    case Reason::kDiskLimit:
      return {reason,
              fmt::format("the build used more than {} MB of disk", limits.disk_bytes / kMega)};
    case Reason::kProcessLimit:
      return {reason, fmt::format("the build used more than {} processes", limits.processes)};
    default:
      return {Reason::kTimeLimit,
              fmt::format("the build used more than {} seconds", limits.time.count())};
  }
}

BuildGuard::BuildGuard(const BuildLimits& limits, os::Dir work,
                       std::optional<os::RefusedCalls> calls)
    : limits_(limits),
      work_(std::move(work)),
      calls_(std::move(calls)),
      next_(system_clock().mono()),
      next_walk_(next_ + kWalkEvery),
      last_(space_of(work_)) {}

bool BuildGuard::breach(Reason reason) {
  found_ = limit_reason(reason, limits_);
  return false;
}

// All that waits for an answer.
void BuildGuard::hear() {
  while (calls_ && calls_->fd() >= 0) {
    const int before = calls_->fd();
    const auto call = calls_->answer();
    if (!call && calls_->fd() == before) return;
    if (!call) continue;
    ++refusals_;
    if (refused_.size() < kMaxNames) refused_.insert(os::refused_call_text(*call));
  }
}

bool BuildGuard::look(pid_t child) {
  hear();
  if (refusals_ > kMaxRefusals) return false;
  const MonoTime now = system_clock().mono();
  if (now < next_) return true;
  next_ = now + every();
  if (tick_) tick_();
  return look_at_processes(child) && look_at_disk(child, now >= next_walk_);
}

bool BuildGuard::look_at_processes(pid_t child) {
  if (group_ != nullptr) {
    if (const auto reached = reached_limit(*group_)) return breach(*reached);
  }
  const bool memory = group_ == nullptr || !group_->limits_memory();
  const bool threads = group_ == nullptr || !group_->limits_pids();
  if (!memory && !threads) return true;
  const os::TreeUsage usage = os::tree_usage(child, false);
  if (memory && usage.memory_bytes > limits_.memory_bytes) return breach(Reason::kMemoryLimit);
  if (threads && usage.threads > limits_.processes) return breach(Reason::kProcessLimit);
  return true;
}

// The directory is walked through only when there is less space than before, as this takes longer.
bool BuildGuard::look_at_disk(pid_t child, bool always) {
  const os::FreeSpace now = space_of(work_);
  if (now.bytes < kReserveBytes) {
    disk_full_ = true;
    return false;
  }
  const std::uint64_t step = std::min(kStepBytes, limits_.disk_bytes / 8);
  const bool less = now.bytes + step < last_.bytes || now.files + kStepFiles < last_.files;
  if (!less && !always) return true;
  last_ = now;
  const os::DirectoryUsage used = os::directory_usage(work_);
  const std::uint64_t nameless = child > 0 ? os::tree_usage(child, true).nameless_bytes : 0;
  next_walk_ = system_clock().mono() + kWalkEvery;
  if (used.bytes + nameless > limits_.disk_bytes) return breach(Reason::kDiskLimit);
  if (used.hidden) {
    found_ =
        FoundReason{Reason::kDiskLimit,
                    "what the build used is too deep in its directory, or closed, to be counted"};
    return false;
  }
  return true;
}

std::optional<FoundReason> BuildGuard::finish() {
  hear();
  if (!found_ && group_ != nullptr) {
    if (const auto reached = reached_limit(*group_)) breach(*reached);
  }
  if (!found_) look_at_disk(0, true);
  if (found_ || refused_.empty()) return found_;
  std::string names;
  for (const std::string& name : refused_) names += (names.empty() ? "" : ", ") + name;
  return FoundReason{Reason::kForbidden, "refused: " + names};
}

}  // namespace gw::build
