// Who was refused, and who has tampered: the security events (section 6.2 of the v0.1.2 behaviour).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/file.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
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
/// Events that did not make it into the file: the disk was full, or there were too many at once.
inline constexpr std::string_view security_events_lost = "security_events_lost";
}  // namespace security_event_type

/// A number is written as a number.
using security_detail = std::variant<std::string, std::int64_t>;

/// One event. What is empty is left out when it is written; it must not hold a token, a key or a
/// payload. Clients choose some of its texts, so each is cut to `security_text_bytes_max`.
struct security_event {
  std::string event_type;
  std::string source;
  std::string subject;
  std::string ip;
  std::string endpoint;
  core::time_point timestamp{};
  std::vector<std::pair<std::string, security_detail>> details;
};

inline constexpr std::size_t security_text_bytes_max = 256;

/// The event as one line of the file, without the line feed; details by name.
std::string to_json(const security_event& event);

/// How much is kept, and where.
struct security_log_options {
  std::string file;  ///< absolute; its directory is made where it is missing, 0700
  std::uint64_t file_bytes_max = 100 * 1024 * 1024;  ///< beyond it, a new file is begun
  std::size_t files_max = 5;       ///< old ones that are kept: FILE.1 is the youngest
  std::size_t waiting_max = 8192;  ///< events that wait for the disk; what comes then is lost
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

/// Takes events from any thread and keeps the latest 1024.
class security_log {
 public:
  virtual ~security_log() = default;
  /// Fills in the time where there is none. Does not wait for the disk.
  virtual void record(security_event event) = 0;
  /// The latest events, newest first.
  virtual std::vector<security_event> recent(std::size_t limit) const = 0;
  virtual security_totals totals() const = 0;
  /// Whether the events are written to a file.
  virtual bool lasting() const = 0;
};

using security_log_ptr = std::shared_ptr<security_log>;

/// Writes the events to a file as well, 0600, one JSON object a line, by a thread of its own, which
/// ends when the log is destroyed and nothing waits. The file is not synced. What cannot be written
/// is counted (`nexus_security_events_lost_total`), reported once, and noted in the file as soon as
/// there is room for that. `files` and `metrics` must outlive the log. Error `io_failed`: the file
/// cannot be opened.
core::result<security_log_ptr> open_security_log(security_log_options how, core::file_system& files,
                                                 core::logger_ptr log, core::metrics& metrics);

/// For the memory only.
security_log_ptr make_memory_security_log(core::wall_clock clock = core::now);

}  // namespace nexus::ingest
