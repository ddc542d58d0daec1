// POST /inbound/{source}: from a client's JSON to an entry in the log (section 3.3 of the v0.1.2
// behaviour).
#pragma once

#include <optional>
#include <string_view>

#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// The checks that need no body, in order: can_write, the path's source, policy, content type.
/// Nothing: go on.
std::optional<http::response> check_write_header(services& house, const active_source& source,
                                                 std::string_view path_source,
                                                 const http::request& request);

/// Everything after that. Answers 200 only when the entry is durable (or, if the source wants that,
/// delivered), or when the idempotency key stands for one that is durable. Any thread; `source`
/// belongs to `config`.
void handle_write(const services_ptr& house, snapshot_ptr config, const active_source& source,
                  http::request request, http::respond_fn respond);

}  // namespace nexus::ingest
