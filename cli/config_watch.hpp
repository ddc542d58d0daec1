// Notices that configuration files have changed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/log.hpp"
#include "core/result.hpp"

namespace nexus::cli {

/// Watches `daemon.toml`, `sources/*.toml` and `destinations/*.toml` of a home, whether they are
/// there already or not, and single files elsewhere. It watches directories, so that a file that is
/// replaced by another one (as editors do, and mounted secrets) is noticed.
class config_watch {
 public:
  /// `on_change` is called on a thread of its own once nothing has changed for `quiet`, or things
  /// have gone on changing for ten times as long. `files`: as of also(). Error `io_failed`: the
  /// system does not offer it, or has no more of it for us.
  static core::result<std::unique_ptr<config_watch>> start(std::string home,
                                                           std::vector<std::string> files,
                                                           std::chrono::milliseconds quiet,
                                                           std::function<void()> on_change,
                                                           core::logger_ptr log);
  ~config_watch();
  config_watch(const config_watch&) = delete;
  config_watch& operator=(const config_watch&) = delete;

  /// Single files to be watched as well, in place of those named before. Any thread.
  void also(std::vector<std::string> files);

 private:
  class watches;
  config_watch(std::string home, std::chrono::milliseconds quiet, std::function<void()> on_change,
               core::logger_ptr log);
  core::result<std::unique_ptr<watches>> make_watches();
  void loop();
  bool wait_until_quiet();
  void wake() const;

  const std::string home_;
  const std::chrono::milliseconds quiet_;
  const std::function<void()> on_change_;
  const core::logger_ptr log_;
  std::unique_ptr<watches> now_;  ///< the thread's own, once it runs
  int wake_ = -1;
  std::mutex mutex_;
  std::vector<std::string> files_;
  bool renew_ = false;  ///< the files are others
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nexus::cli
