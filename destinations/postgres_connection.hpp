// A connection of libpq that keeps to a deadline. Internal to the PostgreSQL destination;
// libpq-fe.h stays in the .cpp files.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "destinations/postgres_fault.hpp"

struct pg_conn;
struct pg_result;

namespace nexus::destinations {

using postgres_deadline = std::chrono::steady_clock::time_point;

/// A connection string that libpq can read.
struct postgres_address {
  std::string dsn;    ///< May hold a password.
  std::string shown;  ///< host:port/database, for reasons.
};

/// Error: `bad_config`, if libpq cannot read it, or reads it in a way in which a part of a password
/// would be taken for a host or a database. The text holds nothing of it.
core::result<postgres_address> parse_address(const std::string& dsn);

/// A parameter of a statement, by reference.
struct postgres_parameter {
  std::string_view bytes;
  bool binary = false;
};

/// The rows that a statement answered. Rows and columns count from 0.
class postgres_rows {
 public:
  postgres_rows() = default;
  explicit postgres_rows(pg_result* handle) : handle_(handle) {}

  std::size_t size() const noexcept;
  /// Empty for NULL.
  std::string_view text(std::size_t row, int column) const noexcept;
  bool null(std::size_t row, int column) const noexcept;
  /// Of a boolean; false for NULL.
  bool flag(std::size_t row, int column) const noexcept { return text(row, column) == "t"; }

 private:
  struct clearer {
    void operator()(pg_result* handle) const noexcept;
  };
  std::unique_ptr<pg_result, clearer> handle_;
};

/// Never blocks beyond the deadline of a call, but for looking up a host name. May be handed from
/// thread to thread, but not used by two at once.
class postgres_connection {
 public:
  explicit postgres_connection(postgres_address address) : address_(std::move(address)) {}

  /// Connects, and makes the session one whose commits are durable and whose statements the server
  /// itself ends some time after we gave them up: `statement_timeout`.
  std::optional<postgres_fault> open(postgres_deadline until,
                                     std::chrono::milliseconds statement_timeout);

  /// True from a successful `open` until `close`.
  explicit operator bool() const noexcept { return open_; }
  void close();

  /// Whether the server has ended the connection while it was not in use, as far as can be seen
  /// without asking it.
  bool stale();

  /// Runs one statement. Where the answer did not come (the connection was lost, the time was over)
  /// the connection is closed; the statement may have been carried out all the same.
  std::optional<postgres_fault> run(postgres_rows& into, const std::string& sql,
                                    std::span<const postgres_parameter> parameters,
                                    std::string_view doing, postgres_deadline until);
  /// The same for statements without rows or parameters.
  std::optional<postgres_fault> run(const std::string& sql, std::string_view doing,
                                    postgres_deadline until);

  /// A fault that is not libpq's, told in the same way.
  postgres_fault fault(outcome_kind kind, std::string_view what) const;

 private:
  std::optional<postgres_fault> connect(postgres_deadline until);
  std::optional<postgres_fault> send(const std::string& sql,
                                     std::span<const postgres_parameter> parameters,
                                     std::string_view doing, postgres_deadline until);
  std::optional<postgres_fault> receive(postgres_rows& into, std::string_view doing,
                                        postgres_deadline until);
  postgres_fault lost(std::string_view doing);
  postgres_fault late(std::string_view doing);
  postgres_fault refused(const pg_result& answer, std::string_view doing) const;

  struct finisher {
    void operator()(pg_conn* handle) const noexcept;
  };
  const postgres_address address_;
  std::unique_ptr<pg_conn, finisher> handle_;
  bool open_ = false;
};

}  // namespace nexus::destinations
