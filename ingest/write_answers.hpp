// What the client of a write is told once its entry is durable.
#pragma once

#include <string>
#include <vector>

#include "core/confirmation.hpp"
#include "http/message.hpp"

namespace nexus::ingest {

/// 200, status "accepted" (section 3.3 of the v0.1.2 behaviour): it is on disk.
http::response accepted_response(const std::string& payload_id);

/// For a client that waits for the delivery: 200, status "delivered", if all destinations have it;
/// else 202, status "durable", with the state of each.
http::response delivery_response(const std::string& payload_id,
                                const std::vector<std::string>& destinations,
                                const core::delivery_report& report);

}  // namespace nexus::ingest
