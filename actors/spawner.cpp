#include "actors/spawner.hpp"

#include <fmt/format.h>

#include <utility>

#include "actors/actor_type.hpp"
#include "actors/destination_actor.hpp"

namespace nexus::actors {
namespace {

destination_spawner refusal(std::string why) {
  return [why = std::move(why)](caf::actor_system&) -> core::result<destination_actor> {
    return core::error{core::errc::bad_config, why};
  };
}

}  // namespace

destination_spawner make_spawner(const destination_options& how,
                                 const destinations::registry& types, const core::logger_ptr& log) {
  const auto& settings = how.settings;
  if (!how.fault.empty()) return refusal(how.fault);
  const auto* type = types.find(settings.type);
  if (!type) return refusal(fmt::format("there is no type \"{}\"", settings.type));
  if (type->make_actor) {
    return [spawn = type->make_actor->spawn, settings](caf::actor_system& system) {
      return spawn(system, settings);
    };
  }
  return [make = type->make, settings,
          log](caf::actor_system& system) -> core::result<destination_actor> {
    auto target = make(settings);
    if (!target.ok()) return std::move(target).reason();
    return spawn_destination_actor(system, {settings.name, *std::move(target), log});
  };
}

}  // namespace nexus::actors
