// `[daemon.wal.encryption]`: the keys of the log, and how a user may write them.
#pragma once

#include <string_view>

#include "config/config.hpp"
#include "config/fields.hpp"
#include "core/result.hpp"

namespace nexus::config {

/// The key that `text` stands for: 32 bytes as they are, 64 hex digits or the Base64 of 32 bytes;
/// one newline at the end (LF or CR LF) does not count. Error `bad_config`: anything else; the text
/// says how to make a key, and nothing of what it was given but its length.
core::result<secret> parse_encryption_key(std::string_view text);

/// `preset`: what the mode says of `enabled`. Errors: `missing_keyfile` (enabled without a key),
/// `bad_key`, `unknown_value` (cipher), `unresolved_reference`.
void read_encryption(fields& in, wal_encryption_config& out, bool preset);

/// The default cipher where this CPU has instructions for it, else the other one. The log itself
/// refuses a cipher that the CPU can't run.
wal_cipher best_cipher() noexcept;

/// As in the configuration.
std::string_view to_string(wal_cipher value) noexcept;

}  // namespace nexus::config
