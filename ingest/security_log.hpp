// Who was refused, and who has tampered: the security events (section 6.2 of the v0.1.2 behaviour).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/file.hpp"
#include "core/log.hpp"
#include "core/result.hpp"
#include "core/timestamp.hpp"

namespace nexus::ingest {

/// Kinds of event, as they are written.
namespace security_event_type {
inline constexpr std::string_view auth_failure = "auth_failure";
inline constexpr std::string_view policy_denied = "policy_denied";
inline constexpr std::string_view rate_limit_hit = "rate_limit_hit";
inline constexpr std::string_view admin_access = "admin_access";
inline constexpr std::string_view wal_tamper_detected = "wal_tamper_detected";
inline constexpr std::string_view config_reloaded = "config_reloaded";
}  // namespace security_event_type

/// One event. What is empty is left out when it is written; it must not hold a token, a key or a
/// payload.
struct security_event {
  std::string event_type;
  std::string source;
  std::string subject;
  std::string ip;
  std::string endpoint;
  core::time_point timestamp{};
  std::vector<std::pair<std::string, std::string>> details;
};

/// How much is kept, and where.
struct security_log_options {
  std::string file;                                  ///< absolute; empty: in memory only
  std::uint64_t file_bytes_max = 100 * 1024 * 1024;  ///< beyond it, a new file is begun
  std::size_t files_max = 5;      ///< old ones that are kept: FILE.1 is the youngest
  std::size_t recent_max = 1024;  ///< events held in memory
  core::wall_clock clock = core::now;
};

/// Totals since the start, for GET /api/security/summary.
struct security_totals {
  std::uint64_t auth_failures = 0;
  std::uint64_t policy_denials = 0;
  std::uint64_t rate_limit_hits = 0;
  std::uint64_t admin_calls = 0;
  std::vector<std::pair<std::string, std::uint64_t>> by_source;  ///< by name
};

/// Takes events from any thread; `record` does not block on the disk: a thread of its own writes,
/// and what it cannot keep up with is counted and said so in the file. The file is 0600, one JSON
/// object a line. It is open before the log is read, so that what the log finds at the start is in
/// it.
class security_log {
 public:
  virtual ~security_log() = default;
  /// Fills in the time where there is none.
  virtual void record(security_event event) = 0;
  /// The latest events, newest first.
  virtual std::vector<security_event> recent(std::size_t limit) const = 0;
  virtual security_totals totals() const = 0;
};

using security_log_ptr = std::shared_ptr<security_log>;

/// Error `io_failed`: the file cannot be opened or written to.
core::result<security_log_ptr> open_security_log(security_log_options how, core::logger_ptr log);

/// For the memory only, and for tests.
security_log_ptr make_memory_security_log(core::wall_clock clock = core::now);

}  // namespace nexus::ingest
