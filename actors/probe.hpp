// One destination, asked from outside of the pipeline.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/log.hpp"
#include "core/result.hpp"
#include "destinations/registry.hpp"

namespace nexus::actors {

/// An instance of its own; each call makes a new one after a failure. Calls block, for little more
/// than the destination's timeout at most: one that hangs is left to itself. One call at a time.
class probe {
 public:
  /// `types` must outlive it, also where an instance hangs.
  probe(destinations::settings settings, const destinations::registry& types, core::logger_ptr log);
  ~probe();
  probe(const probe&) = delete;
  probe& operator=(const probe&) = delete;

  /// Errors: `unreachable`, `bad_config`, `unsupported`, `closed`; that also soon after
  /// `is_cancelled`, which is asked now and then.
  core::result<void> ping(const std::function<bool()>& is_cancelled = [] { return false; });
  core::result<std::vector<bool>> exists(std::vector<std::string> payload_ids);

  /// Ends a call in progress, and every later one, with `closed`. Any thread.
  void cancel();

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace nexus::actors
