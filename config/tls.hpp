// `[daemon.tls]`.
#pragma once

#include "config/fields.hpp"

namespace nexus::config {

/// Reads `[daemon.tls]`; `preset`: `enabled` where the file does not say. While it is enabled the
/// files are read as well and must fit together, so that a server that starts can serve, and a
/// reload finds out before it changes anything.
void read_tls(fields& in, tls_config& out, bool preset);

}  // namespace nexus::config
