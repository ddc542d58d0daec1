// Which log a command is about, and how to read it.
#pragma once

#include <string>
#include <vector>

#include "cli/server_api.hpp"
#include "core/result.hpp"
#include "destinations/registry.hpp"
#include "wal/options.hpp"

namespace nexus::cli {

/// The log of a home, protected as its configuration says; or, if `directory` is not empty, that
/// directory, protected as the other members say.
struct log_options {
  std::string home;  ///< as of the flag --home, see home.hpp
  std::string directory;
  std::string integrity = "crc32";  ///< crc32 or mac
  std::string mac_key;   ///< a reference: env:NAME, file:/path, hex:DIGITS or the key itself
  bool strict = false;   ///< in mode mac, lines without an HMAC are damage
  std::string key_file;  ///< a reference to the key that encrypts and decrypts
  std::vector<std::string> previous_key_files;  ///< references to keys that only decrypt
  std::string cipher = "aes-256-gcm";
};

struct log_place {
  wal::options how;      ///< without a maintenance thread; warnings go to standard error
  std::string home;      ///< empty: only a directory was named
  server_access access;  ///< to the server of the home
};

/// Errors: `bad_config` (the home's configuration, or a key), `not_found` (there is no such
/// directory).
core::result<log_place> find_log(const log_options& how, const destinations::registry& types);

/// The same for a command that changes the log. Error `bad_config` as well where a directory is
/// named, its lines are signed, and no MAC key is given: what is rewritten would lose its HMAC.
core::result<log_place> find_log_to_change(const log_options& how,
                                           const destinations::registry& types);

/// Says why the log could not be opened to be changed by `command` ("wal settle"); if somebody has
/// it, who, and what to do. Returns 1.
int fail_to_open(const log_place& place, const core::error& why, const std::string& command);

}  // namespace nexus::cli
