// Metrics, Prometheus text format, from one table.
//
// kMetricTable in metrics.cc is the only list: name (gwtool_<area>_<what>[_<unit>][_total]), type,
// label name with its closed set of values, help. Counting is one relaxed atomic add on a slot that
// belongs to the calling thread's shard, so that workers do not share cache lines. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gw {

enum class MetricType { kCounter, kGauge };

// One entry of the table and of the enum below, in the same order.
enum class Metric : std::uint16_t {
#define GW_METRIC(id, type, name, label, values, help) id,
#include "base/metrics_table.inc"
#undef GW_METRIC
  kCount,
};

struct MetricInfo {
  MetricType type;
  std::string_view name;
  std::string_view label;   // "" when there is none
  std::string_view values;  // label values separated by commas, "" when there is no label
  std::string_view help;
};
std::span<const MetricInfo> metric_table();

// `value_index`: position in the metric's list of label values, 0 when it has no label.
void metric_add(Metric metric, std::uint64_t n = 1, unsigned value_index = 0);
void metric_set(Metric metric, std::int64_t value, unsigned value_index = 0);
std::int64_t metric_value(Metric metric, unsigned value_index = 0);

// The whole table in Prometheus text exposition format 0.0.4.
std::string format_metrics();

}  // namespace gw
