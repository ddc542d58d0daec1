// The commands of the program. Each returns the exit status and explains a failure on standard
// error.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

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
  std::chrono::seconds timeout{30};
};

/// Asks the server of that home to stop and waits until its process is gone. Success if there is
/// none.
int command_stop(const stop_options& how, const destinations::registry& types);

struct status_options {
  std::string home;
  bool json = false;
};

/// Prints how the server is doing. Success also if it is not running.
int command_status(const status_options& how, const destinations::registry& types);

struct lint_options {
  std::string home;
};

/// Prints every finding about the configuration; failure if one of them is an error.
int command_lint(const lint_options& how, const destinations::registry& types);

struct demo_options {
  std::size_t entries = 2000;
  std::size_t clients = 8;
  bool keep = false;  ///< leave the demo's directory behind
};

/// Kills a server of its own under load and shows that every acknowledged entry is delivered
/// exactly once.
int command_demo(const demo_options& how);

struct wal_options {
  std::string directory;
  std::string integrity = "crc32";  ///< crc32 or mac
  std::string mac_key;  ///< a reference: env:NAME, file:/path, hex:DIGITS or the key itself
  std::string status = "pending";  ///< pending, delivered, failed or all
  bool json = false;
};

/// Prints the entries of a log, one JSON object a line; the counters go to standard error as one
/// JSON object.
int command_wal_export(const wal_options& how);

/// Checks every line of a log. 0: undamaged, 1: damaged, 2: unreadable.
int command_wal_verify(const wal_options& how);

/// Prints name and version.
int command_version();

}  // namespace nexus::cli
