#include "ingest/snapshot.hpp"

#include <algorithm>

namespace nexus::ingest {

active_source::active_source(const config::source_config& source, const client_addresses& addresses,
                             core::metrics& metrics)
    : settings(source),
      clients(addresses),
      read_rate_key(source.name + ":read"),
      fields(source.mapping, source.transform),
      throughput(metrics.get_counter("bubblefish_throughput_per_source_total", "Payloads accepted",
                                     {{"source", source.name}})),
      rate_limit_hits(metrics.get_counter("bubblefish_rate_limit_hits_total",
                                          "Requests refused by the rate limit",
                                          {{"source", source.name}})),
      write_latency(metrics.get_histogram("bubblefish_payload_processing_latency_seconds",
                                          "Time from a write request to its answer",
                                          {{"source", source.name}})) {}

snapshot::snapshot(std::shared_ptr<const config::config> settings, core::metrics& metrics)
    : settings_(std::move(settings)),
      auth_(*settings_),
      clients_(*settings_),
      cors_(settings_->cors_origins) {
  sources_.reserve(settings_->sources.size());
  for (const auto& source : settings_->sources) sources_.emplace_back(source, clients_, metrics);
}

bool snapshot::knows_tier(std::string_view tier) const {
  const auto& known = settings_->tier_order;
  return std::find(known.begin(), known.end(), tier) != known.end();
}

}  // namespace nexus::ingest
