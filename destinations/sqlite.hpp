// The SQLite destination: the table `memories` of section 5.1 of the v0.1.2 behaviour, one row for
// each payload id. docs/destinations.md says how results of SQLite become outcomes.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "destinations/destination.hpp"
#include "destinations/registry.hpp"

namespace nexus::destinations {

struct sqlite_options {
  /// The database file; created, with missing parent directories, when it is first needed. A
  /// relative path is taken from the working directory at the time of the call that gets these
  /// options.
  std::string db_path;
  /// How long a call waits for a lock that another process holds before it reports `unreachable`.
  std::chrono::milliseconds busy_timeout{5'000};
};

/// Delivers into a SQLite database. Opening waits for the first `deliver`, `ping` or `exists`, and
/// is tried again by each call after a failure, so a path that is wrong now may become right later.
///
/// A batch is one transaction: when `deliver` returns, its delivered rows are synced to disk; if it
/// never returns, none or all of them may be there. A row that the database refuses fails alone.
/// Several instances for one file, in one process, take turns.
std::unique_ptr<destination> make_sqlite(const sqlite_options& options);

/// Reads back from the same file through a connection of its own, which never writes and never
/// checkpoints. A file or a table that does not exist yet is empty.
///
/// `find` orders by time: rows of the same second by their fraction (the text of a timestamp does
/// not sort that way), and rows of the same time by insertion, newest first. `text` is matched as
/// it stands, % and _ included; ASCII letters match in either case. What follows a NUL character in
/// a row's content is not searched. Errors: `io_failed` (try again), `bad_config` (the file or its
/// table is wrong).
std::unique_ptr<reader> make_sqlite_reader(const sqlite_options& options);

/// The type "sqlite": one key, `db_path`, which must be set.
type_info sqlite_type();

}  // namespace nexus::destinations
