// The composition root: every part of a running server, made in order and stopped in order.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "actors/pipeline.hpp"
#include "audit/interaction_log.hpp"
#include "cli/config_watch.hpp"
#include "cli/consistency_checker.hpp"
#include "cli/job_thread.hpp"
#include "cli/query_thread.hpp"
#include "cli/reloader.hpp"
#include "cli/watchdog.hpp"
#include "config/config.hpp"
#include "config/loader.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "destinations/registry.hpp"
#include "http/server.hpp"
#include "ingest/door.hpp"
#include "ingest/ports.hpp"
#include "ingest/security_log.hpp"
#include "outgoing/embedder.hpp"
#include "outgoing/event_sender.hpp"

namespace nexus::cli {

/// A server in this process, from start() to stop().
class service {
 public:
  /// Listens, opens the log, remembers the idempotency keys of the last while, starts delivery, and
  /// then takes requests; until then it answers only those that need nothing of that. `types` must
  /// outlive the service; `on_shutdown` is called, from any thread, when somebody asks over HTTP
  /// for a stop. `load` reads the configuration once more, on another thread. Errors: those of the
  /// pipeline and of the HTTP server.
  static core::result<std::unique_ptr<service>> start(
      std::shared_ptr<const config::config> settings, const destinations::registry& types,
      core::logger_ptr log, std::function<void()> on_shutdown,
      std::function<core::result<config::loaded>()> load);

  /// Reads the configuration again and takes it over, in its own time: the log says how it went.
  void reload();

  /// The configuration that is in effect. Any thread.
  std::shared_ptr<const config::config> settings() const;

  /// The port that it listens on.
  std::uint16_t port() const { return server_->port(); }

  /// Answers what has been asked, takes nothing new, delivers what it can, closes the log; all
  /// within `budget`. Returns the number of entries left pending: they are delivered after the next
  /// start. Call it once.
  std::uint64_t stop(std::chrono::milliseconds budget);
  ~service() { stopping_ = true; }

 private:
  service(std::shared_ptr<const config::config> settings, const destinations::registry& types,
          core::logger_ptr log);
  core::result<void> run(const destinations::registry& types, std::function<void()> on_shutdown);
  core::result<void> open_security_log();
  ingest::ports make_ports(std::function<void()> on_shutdown);
  /// `done`, and before it the events for these entries.
  ingest::append_done with_events(std::vector<core::entry_ptr> entries, ingest::append_done done);
  ingest::batch_done with_events(std::vector<std::vector<core::entry_ptr>> writes,
                                 ingest::batch_done done);
  /// What a write sets off, and what is to be known of it.
  core::result<void> start_side_effects();
  void add_interaction_ports(ingest::ports& to);
  void add_dead_letter_ports(ingest::ports& to);
  void add_switch_ports(ingest::ports& to);
  void add_lint_port(ingest::ports& to);
  core::result<ingest::destination_state> switch_destination(const std::string& name, bool pauses);
  core::result<ingest::destination_state> wait_for_switch(const std::string& name, bool pauses);
  core::result<ingest::destination_state> state_of(const std::string& destination);
  void start_consistency();
  void start_reloader(std::function<core::result<config::loaded>()> load);
  void start_watch();
  core::result<ingest::reload_report> apply(config::loaded fresh);
  core::result<http::tls_context> load_certificates(const config::tls_config& now,
                                                    const config::tls_config& next) const;
  void record_reload(const ingest::reload_report& report);
  ingest::pipeline_state state();
  core::result<void> start_pipeline(const destinations::registry& types);
  core::result<void> start_server();
  void publish_health();

  // In the order in which they depend on one another: each outlives what stands below it.
  mutable std::mutex settings_mutex_;
  std::shared_ptr<const config::config> settings_;
  const destinations::registry& types_;
  core::logger_ptr log_;
  ingest::security_log_ptr security_;
  core::metrics metrics_;
  std::unique_ptr<audit::interaction_log> interactions_;  ///< null: none is kept
  std::unique_ptr<job_thread> interaction_jobs_;          ///< for what reads it
  std::unique_ptr<outgoing::event_sender> events_;        ///< null: nobody is to be told
  std::unique_ptr<actors::pipeline> pipeline_;
  std::unique_ptr<outgoing::embedder> embedder_;  ///< null: none is configured
  std::unique_ptr<query_thread> queries_;
  std::unique_ptr<consistency_checker> consistency_;
  std::unique_ptr<job_thread> log_jobs_;  ///< for what reads the whole log: that takes its time
  std::unique_ptr<job_thread> lints_;     ///< for what reads the files of the configuration
  std::unique_ptr<job_thread> switches_;  ///< for what has to be written down, but quickly
  std::atomic<bool> stopping_ = false;    ///< fetches in progress end
  std::unique_ptr<job_thread> fetches_;   ///< of keys for JSON Web Tokens
  std::unique_ptr<watchdog> watchdog_;
  std::unique_ptr<ingest::door> door_;
  std::unique_ptr<http::server> server_;
  std::size_t certificates_ = 0;  ///< a hash of what the TLS files hold; the reloader's own
  std::unique_ptr<reloader> reloader_;
  std::unique_ptr<config_watch> watch_;
};

}  // namespace nexus::cli
