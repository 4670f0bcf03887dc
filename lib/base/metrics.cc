#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace gw {

namespace {

constexpr std::size_t value_count(const MetricInfo& m) {
  return std::max<std::size_t>(m.label.values.size(), 1);
}

// Where each metric's slots begin; the last element is the number of slots.
constexpr auto kOffsets = [] {
  std::array<std::size_t, kMetricTable.size() + 1> offsets{};
  for (std::size_t i = 0; i < kMetricTable.size(); ++i) {
    offsets[i + 1] = offsets[i] + value_count(kMetricTable[i]);
  }
  return offsets;
}();
constexpr std::size_t kSlots = kOffsets[kMetricTable.size()];
constexpr std::size_t kShards = 16;

struct alignas(64) Shard {
  std::array<std::atomic<std::int64_t>, kSlots> slots{};
};
std::array<Shard, kShards> shards;

Shard& my_shard() {
  static std::atomic<std::size_t> next{0};
  thread_local Shard& shard = shards[next.fetch_add(1, std::memory_order_relaxed) % kShards];
  return shard;
}

std::size_t slot_of(Metric metric, std::size_t value) {
  return kOffsets[static_cast<std::size_t>(metric)] + value;
}

std::int64_t slot_value(std::size_t slot) {
  std::int64_t sum = 0;
  for (const Shard& s : shards) sum += s.slots[slot].load(std::memory_order_relaxed);
  return sum;
}

}  // namespace

void add_to_metric(Metric metric, unsigned value, std::uint64_t n) {
  my_shard().slots[slot_of(metric, value)].fetch_add(static_cast<std::int64_t>(n),
                                                     std::memory_order_relaxed);
}

void set_metric(Metric metric, unsigned value, std::int64_t now) {
  // A gauge lives in the first shard alone, whoever sets it.
  shards[0].slots[slot_of(metric, value)].store(now, std::memory_order_relaxed);
}

std::int64_t metric_total(Metric metric) {
  std::int64_t sum = 0;
  for (std::size_t v = 0; v < value_count(metric_info(metric)); ++v) {
    sum += slot_value(slot_of(metric, v));
  }
  return sum;
}

std::string format_metrics() {
  std::string out;
  for (const MetricInfo& m : kMetricTable) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", m.name, m.help, m.name,
                       m.type == MetricType::kCounter ? "counter" : "gauge");
    if (m.label.values.empty()) {
      out += fmt::format("{} {}\n", m.name, metric_total(m.id));
    }
    for (std::size_t v = 0; v < m.label.values.size(); ++v) {
      out += fmt::format("{}{{{}=\"{}\"}} {}\n", m.name, m.label.name, m.label.values[v],
                         slot_value(slot_of(m.id, v)));
    }
  }
  return out;
}

}  // namespace gw
