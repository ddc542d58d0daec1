// Answers to requests that may not do what they ask for, each of them counted and recorded
// (sections 3.2, 3.3 and 6.2 of the v0.1.2 behaviour).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/metrics.hpp"
#include "http/message.hpp"
#include "ingest/client_address.hpp"
#include "ingest/policy.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// Why a token is refused.
struct token_refusal {
  /// "missing", "unknown", "jwt", "mcp", or "wrong_token_class" for a source's or the admin's.
  std::string_view token_class;
  std::string_view code;  ///< of the answer
  std::string_view message;
};

/// 401.
http::response refuse_token(services& house, const client_addresses& clients,
                            const http::request& request, const token_refusal& why);

/// The admin token opens `route`, a path as it is registered.
void record_admin_access(services& house, const client_addresses& clients,
                         const http::request& request, std::string_view route);

/// What a source wanted to do.
struct wanted_access {
  std::string_view operation;  ///< "write" or "read"
  std::string_view destination;
};

/// 403: the source's policy does not allow it.
http::response deny(services& house, const active_source& source, const http::request& request,
                    const wanted_access& what, const denial& why);

/// Whose budget a request is taken from.
struct rate_budget {
  std::string_view source;      ///< or "_admin", which has no part in the limit of all
  const std::string& key;       ///< in the rate limiter
  std::int64_t per_minute;      ///< the source's own limit
  core::counter& hits;          ///< counts refusals
  bool record_security = true;  ///< a refusal is a security event
};

/// Counts a request against the source's own limit and, if that lets it pass, against the limit of
/// all sources together, where there is one. Nothing: it may pass; else 429.
std::optional<http::response> check_rate(services& house, const snapshot& config,
                                         const http::request& request, const rate_budget& from);

/// The budget for writes of a source.
rate_budget write_budget(const active_source& source);

}  // namespace nexus::ingest
