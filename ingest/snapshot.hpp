// One configuration, made ready for requests: keys digested, mappings compiled, metrics looked up.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "core/metrics.hpp"
#include "ingest/auth.hpp"
#include "ingest/client_address.hpp"
#include "ingest/cors.hpp"
#include "mapping/field_mapping.hpp"

namespace nexus::ingest {

/// A source as the handlers need it.
struct active_source {
  active_source(const config::source_config& source, const client_addresses& addresses,
                core::metrics& metrics);

  const config::source_config& settings;
  const client_addresses& clients;  ///< those of the snapshot
  std::string read_rate_key;        ///< its key in the rate limiter for queries
  mapping::field_mapping fields;
  core::counter& throughput;
  core::counter& rate_limit_hits;
  core::histogram& write_latency;  ///< seconds
};

/// Immutable; a request keeps the snapshot that it was authenticated with until it is answered.
class snapshot {
 public:
  snapshot(std::shared_ptr<const config::config> settings, core::metrics& metrics);
  snapshot(const snapshot&) = delete;
  snapshot& operator=(const snapshot&) = delete;

  const config::config& settings() const noexcept { return *settings_; }
  const authenticator& auth() const noexcept { return auth_; }
  const client_addresses& clients() const noexcept { return clients_; }
  const cors_rules& cors() const noexcept { return cors_; }
  /// In the order of config::sources.
  const std::vector<active_source>& sources() const noexcept { return sources_; }
  /// Whether `tier` is one of the configured tiers.
  bool knows_tier(std::string_view tier) const;

 private:
  std::shared_ptr<const config::config> settings_;
  authenticator auth_;
  client_addresses clients_;
  cors_rules cors_;
  std::vector<active_source> sources_;
};

using snapshot_ptr = std::shared_ptr<const snapshot>;

}  // namespace nexus::ingest
