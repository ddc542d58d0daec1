// Whether a request may use its route (section 3.2 of the v0.1.2 behaviour).
#pragma once

#include <optional>

#include "http/message.hpp"
#include "ingest/routes.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// What the token of a request came to.
struct admission {
  std::optional<http::response> refused;  ///< 401
  const active_source* source = nullptr;  ///< of the snapshot; null: the admin, or not known yet
  /// It is a JSON Web Token whose key is being fetched: ask again once that has ended.
  bool awaits_keys = false;
};

/// Refusals and uses of the admin token are counted and recorded. `may_wait`: awaits_keys is an
/// answer; else such a token is refused.
admission authenticate(services& house, const snapshot& config, const route& where,
                       const http::request& request, bool may_wait);

}  // namespace nexus::ingest
