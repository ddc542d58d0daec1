// The one error type of the project. Expected failures are values (core::result); a broken promise
// between two pieces of our own code aborts.
#pragma once

#include <cstdint>
#include <string>

namespace nexus::core {

/// One code for each reaction a caller can have; everything else is in the text.
enum class errc : std::uint8_t {
  invalid_argument = 1,  ///< The input is wrong: do not retry it unchanged.
  too_large,             ///< The input is over a limit: do not retry it unchanged.
  not_found,             ///< What was named does not exist.
  locked,                ///< Another process holds the resource: stop that one first.
  wal_full,              ///< No space for the log: free some; appends resume by themselves.
  io_failed,             ///< The operating system refused: the text says which call and why.
  corrupt,               ///< Stored bytes are not what was written.
  closed,                ///< The component has been shut down.
  overloaded,            ///< A bound was reached: retry later.
  bad_config,            ///< The configuration is wrong: the text lists file:line:column.
  unreachable,           ///< The other side could not be reached.
  unsupported,           ///< This build or this component cannot do that.
};

/// The code's name in snake_case, for logs.
const char* to_string(errc code) noexcept;

/// What went wrong. `text` says what happened, where, and what to do; it never holds a secret or a
/// payload.
struct error {
  errc code;
  std::string text;
  /// The errno behind it; 0 if there is none. For those few who must tell a full disk from missing
  /// rights.
  int number = 0;
};

/// `what: strerror(number)`, with `wal_full` for ENOSPC and EDQUOT and `not_found` for ENOENT.
error os_error(int number, const std::string& what);

}  // namespace nexus::core
