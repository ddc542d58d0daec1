// SQLite's connection and prepared statement as owners, and its result codes as outcomes. Internal
// to the SQLite destination and its reader; sqlite3.h stays in the .cpp files.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "destinations/destination.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace nexus::destinations {

/// What an (extended) result code of SQLite means for the entries at hand; docs/destinations.md has
/// the table.
outcome_kind outcome_of_sqlite(int code) noexcept;

/// Something that SQLite, or the file system below it, refused.
struct sqlite_fault {
  outcome_kind kind = outcome_kind::transient;
  std::string reason;  ///< One line: what was being done, SQLite's words, the file.
};

/// The same for callers that have no outcomes.
core::error to_error(const sqlite_fault& fault);

/// A prepared statement. Text and blobs are bound by reference: they must live until `reset`.
/// Indexes are SQLite's own: parameters count from 1, columns from 0. Not for use from two threads
/// at once.
class sqlite_statement {
 public:
  sqlite_statement() = default;
  explicit sqlite_statement(sqlite3_stmt* handle) : handle_(handle) {}

  void bind(int index, std::string_view text);
  void bind(int index, std::int64_t number);
  void bind_blob(int index, std::string_view bytes);
  void bind_null(int index);
  /// SQLITE_ROW, SQLITE_DONE, or what was refused (a value that could not be bound, too).
  int step();
  void reset();

  std::string text(int column) const;
  std::int64_t number(int column) const;
  /// The bytes of a blob, nothing for NULL.
  std::string blob(int column) const;

 private:
  void note(int code);

  struct finalizer {
    void operator()(sqlite3_stmt* handle) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, finalizer> handle_;
  int refused_ = 0;
};

/// How a file is opened. `immutable`: for reading, without any lock or side file, while nobody
/// writes to it.
enum class sqlite_access { read_write, read_only, immutable };

/// A connection to an existing database file; statements of it must be gone before it is. It may be
/// handed from thread to thread, but not used by two at once.
class sqlite_connection {
 public:
  /// `busy_timeout`: how long a call waits for a lock that another connection holds.
  static std::optional<sqlite_fault> open(sqlite_connection& into, const std::string& path,
                                          sqlite_access access,
                                          std::chrono::milliseconds busy_timeout);

  /// True once `open` has succeeded.
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  void close() { handle_.reset(); }

  std::optional<sqlite_fault> prepare(sqlite_statement& into, const std::string& sql);
  /// Runs a statement whose rows nobody wants.
  std::optional<sqlite_fault> run(const std::string& sql);
  /// Runs a statement and takes the first column of its first row; empty if there is no row.
  std::optional<sqlite_fault> ask(std::string& answer, const std::string& sql);

  /// What the last call was refused for. `doing` goes into the reason.
  sqlite_fault fault(int code, std::string_view doing) const;
  /// Whether a transaction is open.
  bool in_transaction() const noexcept;
  /// Whether the file that was opened no longer is at its path.
  bool moved() const noexcept;

 private:
  struct closer {
    void operator()(sqlite3* handle) const noexcept;
  };
  std::unique_ptr<sqlite3, closer> handle_;
  std::string path_;
};

}  // namespace nexus::destinations
