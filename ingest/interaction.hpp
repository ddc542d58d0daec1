// What the interaction log hears of a request (docs/audit.md).
#pragma once

#include "http/message.hpp"
#include "ingest/routes.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// Hands over the record of a request that was answered before its body was read. `source`: null
/// for the administrator. There must be an interaction log.
void record_interaction(const services& house, const snapshot& config, const route& where,
                        const active_source* source, const http::request& request,
                        const http::response& answer);

/// The same for one that is still to be answered, when it is: `respond` with the record before it.
/// Gives the request an id where it has none, so that record and payload have the same.
http::respond_fn with_record(const services_ptr& house, const snapshot& config, const route& where,
                             const active_source* source, http::request& request,
                             http::respond_fn respond);

}  // namespace nexus::ingest
