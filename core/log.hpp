// Logging for people: one line an event. ERROR = data lost or someone must act; WARN = unexpected,
// nothing lost; INFO = life cycle; DEBUG = a batch. Never an entry's body, never a secret.
#pragma once

#include <memory>
#include <string_view>

namespace nexus::core {

enum class log_level { debug, info, warn, error };

/// Takes log lines. Any thread.
class logger {
 public:
  virtual ~logger() = default;
  virtual void write(log_level level, std::string_view text) = 0;
  /// Lines below this level are dropped.
  virtual void set_level(log_level level) = 0;

  void debug(std::string_view text) { write(log_level::debug, text); }
  void info(std::string_view text) { write(log_level::info, text); }
  void warn(std::string_view text) { write(log_level::warn, text); }
  void error(std::string_view text) { write(log_level::error, text); }
};

using logger_ptr = std::shared_ptr<logger>;

enum class log_format { text, json };

/// Writes to standard error.
logger_ptr make_stderr_logger(log_level level, log_format format);
/// Drops everything.
logger_ptr make_null_logger();

}  // namespace nexus::core
