// The PostgreSQL destination: the table of section 5.2 of the v0.1.2 behaviour, one row for each
// payload id. docs/destinations/postgres.md says how errors of PostgreSQL become outcomes.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "destinations/destination.hpp"
#include "destinations/registry.hpp"

namespace nexus::destinations {

struct postgres_options {
  /// A connection string of libpq: a URL or key=value pairs. A secret, since it may hold a
  /// password.
  std::string dsn;
  /// `table` or `schema.table`, each of letters, digits and _, spelled as the catalog has it.
  std::string table = "memories";
  /// Create the table where it is missing, and add later columns to one of an early version.
  bool create_table = true;
  /// Of the column `embedding` in a table that we create, where the type `vector` is there.
  int vector_dimensions = 1536;
  /// How long a call may take, connecting included; looking up a host name is not bounded by it.
  std::chrono::milliseconds timeout{30'000};
};

/// Delivers into a PostgreSQL table. Connecting waits for the first call, and is tried again by
/// each call after a failure.
///
/// A batch is one INSERT, and so one transaction (several, one after the other, where its rows are
/// larger than 16 MiB): when `deliver` returns, its delivered rows are committed with
/// `synchronous_commit` on; if it never returns, or reports `unreachable`, any first part of them
/// may be there. A row that PostgreSQL refuses fails alone.
///
/// Error: `bad_config` if the connection string or the table's name cannot be right. Its text holds
/// nothing of the connection string.
core::result<std::unique_ptr<destination>> make_postgres(const postgres_options& options);

/// The type "postgres"; keys: `dsn`, `table`, `create_table`, `vector_dimensions`.
type_info postgres_type();

}  // namespace nexus::destinations
