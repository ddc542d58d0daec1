// From the configuration to the options of each module, and from the pipeline to what the HTTP door
// sees of it.
#pragma once

#include <string>
#include <vector>

#include "actors/pipeline.hpp"
#include "audit/interaction_log.hpp"
#include "config/config.hpp"
#include "config/type_table.hpp"
#include "core/log.hpp"
#include "destinations/registry.hpp"
#include "http/server.hpp"
#include "ingest/ports.hpp"
#include "outgoing/embedder.hpp"
#include "outgoing/event_sender.hpp"
#include "wal/log.hpp"

namespace nexus::cli {

/// What the config loader must know of the registered destination types.
config::type_table type_table(const destinations::registry& types);

/// The level that `log_level` names.
core::log_level log_level(const config::config& settings);

/// The logger that `log_level` and `log_format` ask for.
core::logger_ptr make_logger(const config::config& settings);

actors::pipeline_options pipeline_options(const config::config& settings,
                                          const destinations::registry& types,
                                          const core::logger_ptr& log);

/// For the server, and for its load_tls() at a reload.
http::tls_options tls_options(const config::tls_config& from);

/// Raises the process's limit of open files, as far as it may, to what the connections need; where
/// that is not enough there are fewer connections.
http::server_options server_options(const config::config& settings);

/// Whom to tell of what has been written.
outgoing::event_options event_options(const config::events_config& from);

/// How the interaction log is kept.
audit::options audit_options(const config::audit_config& from);

/// Whom to ask for embeddings.
outgoing::embedder_options embedder_options(const config::embedding_config& from);

/// What its factory is given.
destinations::settings to_settings(const config::destination_config& from);

/// The settings of every destination without a fault, for those who read back from it.
std::vector<destinations::settings> destination_settings(const config::config& settings);

/// Where the log is, how it is protected, and whom to tell what happens in it.
wal::options wal_options(const config::wal_config& from, const core::logger_ptr& log);

/// Dead letters in the door's words.
wal::dead_letter_filter to_filter(const ingest::dead_letter_choice& from);
ingest::dead_letter to_dead_letter(wal::dead_letter from);

/// The pipeline's own status in the door's words.
ingest::pipeline_state to_state(const actors::pipeline_status& status);

}  // namespace nexus::cli
