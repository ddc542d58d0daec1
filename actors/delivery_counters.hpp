// What a queue counts of its deliveries.
#pragma once

#include <map>
#include <string>

#include "core/metrics.hpp"
#include "destinations/destination.hpp"

namespace nexus::actors {

/// The metrics of one destination; they live as long as the registry.
class delivery_counters {
 public:
  delivery_counters(core::metrics& all, const std::string& destination)
      : processed(all.get_counter("bubblefish_queue_processing_rate_total",
                                  "Entries delivered or failed for good.")),
        failed(all.get_counter("nexus_permanent_failures_total",
                               "Entries that will never be delivered.",
                               {{"destination", destination}})) {
    using destinations::outcome_kind;
    for (auto kind : {outcome_kind::delivered, outcome_kind::transient, outcome_kind::unreachable,
                      outcome_kind::config_fault, outcome_kind::permanent}) {
      outcomes.emplace(
          kind,
          &all.get_counter("nexus_deliveries_total", "Attempts to deliver an entry, by outcome.",
                           {{"destination", destination}, {"outcome", to_string(kind)}}));
    }
  }

  core::counter& processed;
  core::counter& failed;
  std::map<destinations::outcome_kind, core::counter*> outcomes;
};

}  // namespace nexus::actors
