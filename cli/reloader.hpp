// Takes over a changed configuration while the program runs.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/loader.hpp"
#include "core/log.hpp"
#include "core/result.hpp"
#include "ingest/ports.hpp"

namespace nexus::cli {

/// One reload at a time, on a thread of its own. Requests that come while one runs share the next
/// one: whoever asked sees the outcome of a reload that began afterwards.
class reloader {
 public:
  /// Called on the thread.
  struct steps {
    /// Reads and checks the whole configuration. Error `bad_config`: a line for each finding.
    std::function<core::result<config::loaded>()> load;
    /// Takes it over, whole or not at all.
    std::function<core::result<ingest::reload_report>(config::loaded)> apply;
  };
  /// Who asks: somebody, or a file that has changed.
  enum class trigger { request, files };

  reloader(steps how, core::logger_ptr log);
  ~reloader();
  reloader(const reloader&) = delete;
  reloader& operator=(const reloader&) = delete;

  /// Any thread; `done` is called on another one. Errors: those of the steps, `closed`. The outcome
  /// is logged as well, but for a change of files that fails like the one before.
  void request(trigger by, ingest::reload_done done);

  /// Waits for the one that runs, tells the others `closed`. Call it from one thread.
  void stop();

 private:
  struct order {
    trigger by;
    ingest::reload_done done;
  };

  void loop();
  core::result<ingest::reload_report> run() const;
  void log_outcome(const core::result<ingest::reload_report>& outcome, bool somebody_asked);

  const steps how_;
  const core::logger_ptr log_;
  std::string last_failure_;  ///< the thread's own; empty: the last one succeeded
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<order> orders_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nexus::cli
