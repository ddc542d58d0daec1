#include "core/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <utility>

namespace nexus::core {
namespace {

class prometheus_counter final : public counter {
 public:
  explicit prometheus_counter(prometheus::Counter& target) : target_(target) {}
  void add(double amount) override { target_.Increment(amount); }
  double value() const override { return target_.Value(); }

 private:
  prometheus::Counter& target_;
};

class prometheus_gauge final : public gauge {
 public:
  using family = prometheus::Family<prometheus::Gauge>;
  prometheus_gauge(family& in, const metric_labels& labels) : in_(in), target_(in.Add(labels)) {}
  ~prometheus_gauge() override { in_.Remove(&target_); }
  prometheus_gauge(const prometheus_gauge&) = delete;
  prometheus_gauge& operator=(const prometheus_gauge&) = delete;
  void set(double value) override { target_.Set(value); }

 private:
  family& in_;
  prometheus::Gauge& target_;
};

class prometheus_histogram final : public histogram {
 public:
  explicit prometheus_histogram(prometheus::Histogram& target) : target_(target) {}
  void observe(double value) override { target_.Observe(value); }

 private:
  prometheus::Histogram& target_;
};

const std::vector<double> default_bounds{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

/// Metrics of one kind by name and labels.
template <class T>
using metric_map = std::map<std::pair<std::string, metric_labels>, std::unique_ptr<T>>;

/// The metric under that name, made by `make` the first time.
template <class T, class Make>
T& find_or_make(metric_map<T>& known, const std::string& name, const metric_labels& labels,
                Make make) {
  auto& slot = known[{name, labels}];
  if (!slot) slot = make();
  return *slot;
}

}  // namespace

struct metrics::impl {
  std::mutex mutex;
  prometheus::Registry registry;
  metric_map<counter> counters;
  metric_map<gauge> gauges;
  metric_map<histogram> histograms;
  std::vector<std::function<void()>> refreshers;
};

metrics::metrics() : impl_(std::make_unique<impl>()) {}
metrics::~metrics() = default;

counter& metrics::get_counter(const std::string& name, const std::string& help,
                              const metric_labels& labels) {
  std::lock_guard guard(impl_->mutex);
  return find_or_make(impl_->counters, name, labels, [&] {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
    return std::make_unique<prometheus_counter>(family.Add(labels));
  });
}

gauge& metrics::get_gauge(const std::string& name, const std::string& help,
                          const metric_labels& labels) {
  std::lock_guard guard(impl_->mutex);
  return find_or_make(impl_->gauges, name, labels, [&] {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
    return std::make_unique<prometheus_gauge>(family, labels);
  });
}

histogram& metrics::get_histogram(const std::string& name, const std::string& help,
                                  const metric_labels& labels, const std::vector<double>& bounds) {
  std::lock_guard guard(impl_->mutex);
  return find_or_make(impl_->histograms, name, labels, [&] {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
    return std::make_unique<prometheus_histogram>(
        family.Add(labels, bounds.empty() ? default_bounds : bounds));
  });
}

void metrics::remove_gauge(const std::string& name, const metric_labels& labels) {
  std::lock_guard guard(impl_->mutex);
  impl_->gauges.erase({name, labels});
}

void metrics::on_collect(std::function<void()> refresh) {
  std::lock_guard guard(impl_->mutex);
  impl_->refreshers.push_back(std::move(refresh));
}

std::string metrics::text() {
  std::vector<std::function<void()>> refreshers;
  {
    std::lock_guard guard(impl_->mutex);
    refreshers = impl_->refreshers;
  }
  for (auto& refresh : refreshers) refresh();  // outside the lock: a refresher sets gauges
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace nexus::core
