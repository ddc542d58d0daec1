#include "actors/scheduling.hpp"

#include <caf/all.hpp>

#include "actors/networking.hpp"

namespace nexus::actors {

caf::actor_system_config& scheduling(caf::actor_system_config& config, bool networked) {
  // What blocks has threads of its own; the rest is light, and `sharing` does not burn time when
  // idle.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", 2);
  if (networked) networking(config);
  return config;
}

}  // namespace nexus::actors
