// Destinations over HTTP: how they are doing, and stopping and resuming deliveries to one of them.
// For the admin only.
#pragma once

#include <string>
#include <vector>

#include "http/message.hpp"
#include "ingest/ports.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// Appends a destination as a JSON object, its members as of destination_state, keys in
/// alphabetical order; several as an array of them.
void append_json(std::string& out, const destination_state& one);
void append_json(std::string& out, const std::vector<destination_state>& all);

/// GET /api/destinations: the array that GET /api/status has as `destinations`.
http::response destinations_response(const services& house);

enum class destination_switch { pause, resume };

/// POST /api/destinations/{name}/pause and /resume: the destination's state afterwards, or 404
/// `destination_not_found`. Repeating it changes nothing.
void handle_switch(const services_ptr& house, destination_switch to, const std::string& name,
                   http::respond_fn respond);

}  // namespace nexus::ingest
