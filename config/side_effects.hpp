// What a write sets off beside its delivery.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/fields.hpp"
#include "config/finding.hpp"

namespace nexus::config {

/// `[daemon.events]`.
void read_events(fields& in, events_config& out, std::vector<finding>& findings);

/// `[daemon.audit]`; `home`: where the log is by default.
void read_audit(fields& in, audit_config& out, const std::string& home);

/// `[daemon.embedding]`.
void read_embedding(fields& in, embedding_config& out);

}  // namespace nexus::config
