#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace gw {

namespace {

constexpr std::array kMetricTable = {
#define GW_METRIC(id, type, name, label, values, help) MetricInfo{type, name, label, values, help},
#include "base/metrics_table.inc"
#undef GW_METRIC
};

constexpr std::size_t value_count(const MetricInfo& m) {
  if (m.values.empty()) return 1;
  return static_cast<std::size_t>(std::count(m.values.begin(), m.values.end(), ',')) + 1;
}

// Where each metric's slots begin; the last element is the number of slots.
constexpr auto kOffsets = [] {
  std::array<std::size_t, kMetricTable.size() + 1> offsets{};
  for (std::size_t i = 0; i < kMetricTable.size(); i++) {
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

std::size_t slot_of(Metric metric, unsigned value_index) {
  auto i = static_cast<std::size_t>(metric);
  return std::min(kOffsets[i] + value_index, kOffsets[i + 1] - 1);
}

}  // namespace

std::span<const MetricInfo> metric_table() { return kMetricTable; }

void metric_add(Metric metric, std::uint64_t n, unsigned value_index) {
  my_shard().slots[slot_of(metric, value_index)].fetch_add(static_cast<std::int64_t>(n),
                                                           std::memory_order_relaxed);
}

void metric_set(Metric metric, std::int64_t value, unsigned value_index) {
  // A gauge lives in the first shard alone, whoever sets it.
  shards[0].slots[slot_of(metric, value_index)].store(value, std::memory_order_relaxed);
}

std::int64_t metric_value(Metric metric, unsigned value_index) {
  std::int64_t sum = 0;
  for (const Shard& s : shards) {
    sum += s.slots[slot_of(metric, value_index)].load(std::memory_order_relaxed);
  }
  return sum;
}

std::string format_metrics() {
  std::string out;
  for (std::size_t i = 0; i < kMetricTable.size(); i++) {
    const MetricInfo& m = kMetricTable[i];
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", m.name, m.help, m.name,
                       m.type == MetricType::kCounter ? "counter" : "gauge");
    std::string_view values = m.values;
    for (unsigned v = 0; v < value_count(m); v++) {
      std::string_view value = values.substr(0, values.find(','));
      values.remove_prefix(std::min(values.size(), value.size() + 1));
      std::int64_t n = metric_value(static_cast<Metric>(i), v);
      if (m.label.empty()) {
        out += fmt::format("{} {}\n", m.name, n);
      } else {
        out += fmt::format("{}{{{}=\"{}\"}} {}\n", m.name, m.label, value, n);
      }
    }
  }
  return out;
}

}  // namespace gw
