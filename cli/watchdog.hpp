// Looks after the disk under the log: whether it can be written, and how much of it is left.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "core/file.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"

namespace nexus::cli {

struct watchdog_options {
  std::string directory;
  std::chrono::seconds interval{30};
  std::uint64_t free_bytes_min = 100 * 1024 * 1024;
};

/// Checks once in the constructor and then in every interval, on a thread of its own. It never
/// stops a write: the log itself notices a full disk; the watchdog warns before.
class watchdog {
 public:
  /// `metrics` must outlive this object.
  watchdog(watchdog_options how, core::file_system& files, core::logger_ptr log,
           core::metrics& metrics);
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// What is wrong; empty if nothing is. Any thread.
  std::string trouble() const;

 private:
  void run();
  void check();
  core::result<void> probe();

  watchdog_options how_;
  core::file_system& files_;
  core::logger_ptr log_;
  core::gauge& free_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace nexus::cli
