#include "update/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/time_range.h"

namespace gw::update {
namespace {

constexpr std::chrono::hours kMaxBackoff{24 * 7};

// Before this nothing is done, whatever there is.
WallTime earliest(const Timing& timing, const Knowledge& knowledge, const History& history) {
  WallTime at = std::max(history.running_since, knowledge.learned);
  if (history.last_update) at = std::max(at, *history.last_update + timing.grace);
  if (history.failures > 0 && history.last_failure) {
    at = std::max(at, *history.last_failure + backoff(history.failures));
  }
  return at;
}

std::chrono::seconds delay_of(const Knowledge& knowledge, const std::string& version,
                              std::chrono::seconds delay) {
  return knowledge.urgent.contains(version) ? std::chrono::seconds(0) : delay;
}

}  // namespace

std::chrono::seconds backoff(unsigned failures) {
  if (failures == 0) return {};
  if (failures > 8) return kMaxBackoff;
  return std::min<std::chrono::seconds>(std::chrono::hours(1U << (failures - 1)), kMaxBackoff);
}

std::chrono::seconds stable_offset(const std::string& text, std::chrono::seconds range) {
  if (range.count() <= 0) return {};
  const Hash hash = sha256(text);
  const auto number = ByteReader(as_bytes(hash)).u64().value_or(0);
  return std::chrono::seconds(number % static_cast<std::uint64_t>(range.count()));
}

Situation situation_at(const Knowledge& knowledge, std::chrono::seconds delay, WallTime at) {
  Situation out = knowledge.situation;
  out.listed.clear();
  for (const auto& [version, found] : knowledge.versions) {
    if (found + delay_of(knowledge, version, delay) <= at) out.listed.push_back(version);
  }
  const auto old_enough = [&](const std::string& go) {
    const auto found = knowledge.toolchain_times.find(go);
    return found == knowledge.toolchain_times.end() ||
           found->second + delay_of(knowledge, go, delay) <= at;
  };
  out.toolchains = {};
  if (old_enough(knowledge.toolchains.cur)) out.toolchains.cur = knowledge.toolchains.cur;
  if (old_enough(knowledge.toolchains.prev)) out.toolchains.prev = knowledge.toolchains.prev;
  return out;
}

Plan plan(const Rules& rules, const Knowledge& knowledge, const History& history) {
  const auto& [policies, timing, schedule, host] = rules;
  const WallTime start = earliest(timing, knowledge, history);
  std::set<WallTime> moments{start};
  for (const auto* times : {&knowledge.versions, &knowledge.toolchain_times}) {
    for (const auto& [name, found] : *times) {
      moments.insert(std::max(start, found + delay_of(knowledge, name, timing.delay)));
    }
  }
  std::string reason;
  for (const WallTime moment : moments) {
    const Choice choice = choose(policies, situation_at(knowledge, timing.delay, moment));
    reason = choice.reason;
    if (!choice.target) continue;
    const auto slot = schedule.next(moment);
    if (!slot) return {std::nullopt, {}, "the schedule has no slot within ten years"};
    std::chrono::seconds range = timing.jitter;
    if (slot->end) range = std::min(range, *slot->end - slot->start);
    const auto jitter = stable_offset(fmt::format("{} {}", host, choice.target->version), range);
    return {choice.target, std::min(slot->start + jitter, kLastTime), "", choice.held_back};
  }
  return {std::nullopt, {}, reason};
}

}  // namespace gw::update
