// A home directory for somebody who starts: one source, one SQLite destination, fresh keys.
#pragma once

#include <string>
#include <vector>

#include "config/secret.hpp"
#include "core/result.hpp"

namespace nexus::config {

/// What was made.
struct scaffold {
  std::vector<std::string> files;  ///< absolute paths
  secret admin_token;              ///< `bfn_admin_` and 64 hex digits
  secret api_key;                  ///< of source "default": `bfn_data_` and 64 hex digits
  std::string certificate;         ///< the file that clients must be given; empty: no TLS
};

/// Writes `daemon.toml`, `sources/default.toml` and `destinations/sqlite.toml` under `home`, which
/// is created if it is missing. In mode "simple" the keys stand in these files; in "balanced",
/// "fast" and "safe" they stand in files of their own under `keys/`, and "safe" has keys that sign
/// and encrypt the log, and a self-signed certificate under `tls/`, as well. Directories get mode
/// 0700, files 0600 from the first moment on; after success all of it survives a power cut. `force`
/// replaces files of these names; other files are left alone. Error `invalid_argument`: one of the
/// files is there already and no `force`, or a mode that nobody knows; `io_failed`: what the system
/// says.
core::result<scaffold> write_scaffold(const std::string& home, bool force,
                                      const std::string& mode = "simple");

}  // namespace nexus::config
