// What an answer of an HTTP server says of the entry that was sent. Pure; docs/destinations/http.md
// has the table.
#pragma once

#include <string>

#include "core/result.hpp"
#include "destinations/destination.hpp"
#include "destinations/http_multi.hpp"

namespace nexus::destinations {

/// What became of an entry. `origin` names the server in the reason, in which nothing of the
/// answer's body is. A request that timed out is `unreachable` here.
outcome outcome_of(const http_reply& reply, const std::string& origin);

/// The same for a table behind PostgREST, whose error codes, in the body, say more than the status:
/// a missing column is a config fault, a value that a column does not take is the entry's.
outcome postgrest_outcome_of(const http_reply& reply, const std::string& origin);

/// An outcome as the result of a ping: `bad_config` for a config fault, `unreachable` for all else
/// that is not delivered.
core::result<void> to_result(const outcome& from);

}  // namespace nexus::destinations
