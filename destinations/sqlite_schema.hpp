// The file of the SQLite destination: how it is created and opened, and its table (section 5.1 of
// the v0.1.2 behaviour). Internal to the SQLite destination and its reader.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "destinations/sqlite.hpp"
#include "destinations/sqlite_handle.hpp"

namespace nexus::destinations {

/// The columns that we write and read back, in the order of `memory_record`'s members.
const std::string& memory_columns();

/// Takes all of them as parameters. ON CONFLICT, unlike OR IGNORE, passes over a repeated payload
/// id only and no other violation.
std::string insert_statement();

/// `options` with an absolute path, so that a later change of the working directory does not move
/// the database, and so that SQLite's special names (":memory:", "") cannot take rows that nobody
/// would find again.
sqlite_options resolved(sqlite_options options);

/// Opens the database for writing and brings it into shape: missing parent directories with mode
/// 0700, the file itself (and with it SQLite's -wal and -shm files) with mode 0600 from the start,
/// WAL journal, a sync at each commit, table, later columns, indexes. Repeatable: what is there
/// already stays as it is.
std::optional<sqlite_fault> open_store(sqlite_connection& into, const sqlite_options& options);

/// Opens the database for looking at it once: changes and creates nothing, unless somebody else has
/// it open, in which case SQLite may need its side files. Leaves `into` closed if there is no file.
std::optional<sqlite_fault> open_for_a_look(sqlite_connection& into, const sqlite_options& options);

/// Whether open_store() and an insert would succeed, as far as can be seen without changing or
/// creating anything.
std::optional<sqlite_fault> check_store(const sqlite_options& options);

/// Connections of this process that write to the same file take turns by this mutex, checkpoints
/// and closing included. SQLite 3.7.0 to 3.51.2 can damage a database when two connections write or
/// checkpoint at the same moment.
std::shared_ptr<std::mutex> write_turn(const std::string& path);

}  // namespace nexus::destinations
