// The door: every HTTP request enters here, is checked, and is answered (section 3 of the v0.1.2
// behaviour).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "http/message.hpp"
#include "ingest/auth.hpp"
#include "ingest/ports.hpp"
#include "ingest/routes.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// Routes, authenticates and answers requests. Both handler functions may be called from any thread
/// and do not block. What is still in progress when the door is destroyed is answered when the
/// ports call back; `metrics` must live until then.
class door final : public http::handler {
 public:
  /// Mapping paths that cannot be used (see mapping_error) are logged as errors; their fields stay
  /// empty.
  door(std::shared_ptr<const config::config> settings, ports behind, core::logger_ptr log,
       core::metrics& metrics, door_options options);

  /// Everything that can be refused before the body is read: path, method, token, and for writes
  /// checks 1 to 8 of section 3.3. Allows as many body bytes as the source may send.
  http::header_decision on_header(const http::request& request) override;

  /// `request.context` must be what on_header returned for this request.
  void on_request(http::request request, http::respond_fn respond) override;

  /// Entries from before are of no use to `restore`; nothing: none is, no source deduplicates.
  std::optional<core::time_point> restore_since() const;

  /// Remembers the idempotency key of an entry from an earlier run, if its source deduplicates and
  /// the key's window is not over, whatever has become of the entry. Call it in the order of the
  /// log, before serving.
  void restore(const core::entry& written);

  /// Requests that arrive from now on are treated by this configuration; those in progress keep
  /// theirs.
  void apply(std::shared_ptr<const config::config> settings);

  /// It begins as `starting`; until `serving` none of the ports is called but `shutdown`. Any
  /// thread.
  void enter(door_phase phase);

 private:
  /// For requests that waited for the keys of their tokens: shares everything, and lets nobody
  /// wait once more.
  door(services_ptr house, snapshot_ptr config);

  /// on_header without what pages of other origins need.
  http::header_decision decide(const http::request& request, const snapshot_ptr& config,
                               const std::string& origin) const;
  /// Nothing: requests for the route are taken now.
  std::optional<http::response> check_phase(const route& where) const;
  /// For the interaction log.
  void record_refusal(const http::request& request, const snapshot& config,
                      const http::response& answer) const;
  void await_keys(snapshot_ptr config, http::request request, http::respond_fn respond);
  void decide_again(http::request request, const http::respond_fn& respond);

  snapshot_ptr current() const;

  services_ptr services_;
  mutable std::mutex snapshot_mutex_;
  snapshot_ptr snapshot_;
  const bool may_wait_for_keys_ = true;
};

}  // namespace nexus::ingest
