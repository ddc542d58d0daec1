// The commands of the program. Each returns the exit status and explains a failure on standard
// error.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/log_place.hpp"
#include "destinations/registry.hpp"

namespace nexus::cli {

/// `home` is what the flag --home says, empty without it; see home.hpp.
struct init_options {
  std::string home;
  std::string mode = "simple";  ///< simple, balanced, fast or safe
  bool force = false;
};

/// Writes a first configuration with fresh keys, and says what to do next.
int command_init(const init_options& how);

struct start_options {
  std::string home;
  std::optional<std::uint16_t> port;  ///< instead of the configured one; 0: any free port
  bool banner = false;
};

/// Runs the server until SIGINT, SIGTERM or POST /api/shutdown. As soon as it takes requests,
/// standard output says `listening on HOST:PORT`.
int command_start(const start_options& how, const destinations::registry& types);

struct stop_options {
  std::string home;
  std::chrono::seconds timeout{60};
};

/// Asks the server of that home to stop and waits until its process is gone. Success if there is
/// none.
int command_stop(const stop_options& how, const destinations::registry& types);

struct reload_options {
  std::string home;
};

/// Has the server of that home read its configuration again, and prints what has changed. Failure
/// if it refuses, with every finding.
int command_reload(const reload_options& how, const destinations::registry& types);

struct status_options {
  std::string home;
  bool json = false;
};

/// Prints how the server is doing. Success also if it is not running.
int command_status(const status_options& how, const destinations::registry& types);

struct lint_options {
  std::string home;
  bool offline = false;  ///< don't ask the destinations
  bool json = false;
};

/// Prints every finding about the configuration, as text or as a JSON array, and what each
/// destination refuses; failure if one of them is an error. Destinations have five seconds each,
/// all at the same time.
int command_lint(const lint_options& how, const destinations::registry& types);

struct config_test_options {
  std::string home;
  std::vector<std::string> files;
  bool json = false;
};

/// Runs the tests of mappings and routing in these files against the configuration, without a
/// server; failure if one fails, or if a file or the configuration is wrong.
int command_config_test(const config_test_options& how, const destinations::registry& types);

struct destinations_options {
  std::string home;
  std::vector<std::string> names;  ///< for pause and resume one, for test any number: none is all
  bool json = false;               ///< for list
};

/// Prints how the destinations of the running server are doing; without one, which there are.
int command_destinations_list(const destinations_options& how, const destinations::registry& types);

/// Stops or resumes deliveries to a destination, also across restarts: by the running server, else
/// from the next start on.
int command_destinations_pause(const destinations_options& how,
                               const destinations::registry& types);
int command_destinations_resume(const destinations_options& how,
                                const destinations::registry& types);

/// Tests whether destinations can be used as they are configured; failure if one can't. Writes
/// nothing, needs no server.
int command_destinations_test(const destinations_options& how, const destinations::registry& types);

struct doctor_options {
  std::string home;
  bool consistency = false;
  std::size_t sample = 100;
  bool all = false;         ///< everything instead of a sample
  std::string destination;  ///< empty: each
  bool redeliver = false;   ///< what is missing
  bool json = false;
};

/// Looks up what was delivered where it was delivered to: by the running server, else in the log
/// itself. Failure if something is missing, or nothing could be looked up.
int command_doctor(const doctor_options& how, const destinations::registry& types);

struct demo_options {
  std::size_t entries = 2000;
  std::size_t clients = 8;
  bool keep = false;  ///< leave the demo's directory behind
};

/// Kills a server of its own under load and shows that every acknowledged entry is delivered
/// exactly once.
int command_demo(const demo_options& how);

struct wal_command_options {
  log_options log;
  std::string status = "pending";  ///< for export: pending, delivered, failed or all
  std::string since;               ///< for export: RFC 3339; timestamps from here on
  std::string until;               ///< for export: RFC 3339; timestamps before this
  std::string source;              ///< for export
  bool dry_run = false;            ///< for repair
  bool json = false;
};

/// Prints what is in each file of a log.
int command_wal_inspect(const wal_command_options& how, const destinations::registry& types);

/// Prints the entries of a log, one JSON object a line; the counters go to standard error as one
/// JSON object.
int command_wal_export(const wal_command_options& how, const destinations::registry& types);

/// Checks every line of a log, and in mode mac its chain. 0: undamaged, 1: damaged or changed, 2:
/// unreadable.
int command_wal_verify(const wal_command_options& how, const destinations::registry& types);

/// Writes what has become of each entry into its own line. Needs the log's lock.
int command_wal_settle(const wal_command_options& how, const destinations::registry& types);

/// Takes damaged lines out of a log; copies stay in the quarantine. Needs the log's lock, but for a
/// dry run.
int command_wal_repair(const wal_command_options& how, const destinations::registry& types);

struct dlq_options {
  log_options log;
  std::vector<std::string> payload_ids;
  std::string source;
  std::string destination;
  bool all = false;
  bool yes = false;  ///< purge without asking
  bool json = false;
};

/// Prints the dead letters that fit.
int command_dlq_list(const dlq_options& how, const destinations::registry& types);

/// Prints the one dead letter of `payload_ids`, with its payload.
int command_dlq_show(const dlq_options& how, const destinations::registry& types);

/// Delivers dead letters once more, or gives them up: by the server of the home while it runs, else
/// in the log itself.
int command_dlq_redrive(const dlq_options& how, const destinations::registry& types);
int command_dlq_purge(const dlq_options& how, const destinations::registry& types);

/// Prints name and version.
int command_version();

}  // namespace nexus::cli
