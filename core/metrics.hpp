// Counters, gauges and histograms in the Prometheus text format. The prometheus-cpp headers stay in
// metrics.cpp.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nexus::core {

using metric_labels = std::map<std::string, std::string>;

/// A number that only grows. Any thread. Lives as long as its registry.
class counter {
 public:
  virtual ~counter() = default;
  virtual void add(double amount = 1) = 0;
  virtual double value() const = 0;
};

/// A number that goes up and down. Any thread.
class gauge {
 public:
  virtual ~gauge() = default;
  virtual void set(double value) = 0;
};

/// Observations in buckets. Any thread.
class histogram {
 public:
  virtual ~histogram() = default;
  virtual void observe(double value) = 0;
};

/// All metrics of one process. Asking twice for the same name and labels gives the same metric;
/// keep the reference on a hot path. Any thread.
class metrics {
 public:
  metrics();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  counter& get_counter(const std::string& name, const std::string& help,
                       const metric_labels& labels = {});
  gauge& get_gauge(const std::string& name, const std::string& help,
                   const metric_labels& labels = {});
  /// `bounds`: upper bounds of the buckets, ascending; empty: the Prometheus default, 5 ms to 10 s.
  histogram& get_histogram(const std::string& name, const std::string& help,
                           const metric_labels& labels = {},
                           const std::vector<double>& bounds = {});
  /// Takes a gauge off the page; nothing happens if there is none. No reference to it may be used
  /// any more.
  void remove_gauge(const std::string& name, const metric_labels& labels);
  /// Called before each `text()`, to bring gauges up to date.
  void on_collect(std::function<void()> refresh);
  /// The page for GET /metrics.
  std::string text();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace nexus::core
