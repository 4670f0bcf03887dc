// Counting, and the metrics' text.
//
// What can be counted is listed in metrics_table.h. Counting is one relaxed atomic add on a slot
// that belongs to the calling thread's shard, so that workers do not share cache lines. That a
// counter is added to and a gauge is set, each with a value of its own label, is checked when it is
// compiled. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "base/metrics_table.h"

namespace gw {

// Never defined: the compiler's message names them.
void a_counter_is_added_to_a_gauge_is_set();
void the_label_is_another_metrics();
void the_metric_has_a_label();

// A metric as an argument: does not compile for one of another type or label.
template <MetricType kType, typename Label>
class MetricOf {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): it stands for the metric.
  consteval MetricOf(Metric metric) : metric_(metric) {
    const MetricInfo& info = metric_info(metric);
    if (info.type != kType) a_counter_is_added_to_a_gauge_is_set();
    if constexpr (MetricLabel<Label>) {
      if (info.label.values.data() != kLabelTexts<Label>.data()) the_label_is_another_metrics();
    } else {
      if (!info.label.values.empty()) the_metric_has_a_label();
    }
  }
  Metric id() const { return metric_; }

 private:
  Metric metric_;
};
template <typename Label>
using CounterOf = std::type_identity_t<MetricOf<MetricType::kCounter, Label>>;
template <typename Label>
using GaugeOf = std::type_identity_t<MetricOf<MetricType::kGauge, Label>>;

// `value`: a label's, as a number.
void add_to_metric(Metric metric, unsigned value, std::uint64_t n);
void set_metric(Metric metric, unsigned value, std::int64_t now);

inline void metric_add(CounterOf<void> metric, std::uint64_t n = 1) {
  add_to_metric(metric.id(), 0, n);
}
template <MetricLabel Label>
void metric_add(CounterOf<Label> metric, Label value, std::uint64_t n = 1) {
  add_to_metric(metric.id(), static_cast<unsigned>(value), n);
}
inline void metric_set(GaugeOf<void> metric, std::int64_t now) { set_metric(metric.id(), 0, now); }
template <MetricLabel Label>
void metric_set(GaugeOf<Label> metric, Label value, std::int64_t now) {
  set_metric(metric.id(), static_cast<unsigned>(value), now);
}

// Over all values of the label, if it has one.
std::int64_t metric_total(Metric metric);

// The whole table in Prometheus text exposition format 0.0.4.
std::string format_metrics();

}  // namespace gw
