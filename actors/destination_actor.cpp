#include "actors/destination_actor.hpp"

#include <exception>

#include "actors/guard.hpp"

namespace nexus::actors {
namespace {

caf::result<void> to_answer(const core::result<void>& result) {
  if (!result.ok()) return to_caf(result.reason());
  return caf::unit;
}

caf::result<outcome_list> deliver(destinations::destination& target, const delivery& what) {
  try {
    return target.deliver(what.entries);
  } catch (const std::exception& e) {
    return to_caf({core::errc::io_failed, std::string("it threw: ") + e.what()});
  } catch (...) {
    return to_caf({core::errc::io_failed, "it threw something that is no std::exception"});
  }
}

}  // namespace

destination_actor::behavior_type run_destination_actor(destination_actor::pointer self,
                                                       destination_actor_options options) {
  guard(self, "destination " + options.name, options.log);
  return {
      [target = options.target](deliver_atom, const delivery& what) {
        return deliver(*target, what);
      },
      [target = options.target](ping_atom) { return to_answer(target->ping()); },
      [target = options.target](
          exists_atom, const std::vector<std::string>& ids) -> caf::result<std::vector<bool>> {
        auto found = target->exists(ids);
        if (!found.ok()) return to_caf(found.reason());
        return *std::move(found);
      },
  };
}

destination_actor spawn_destination_actor(caf::actor_system& system,
                                          destination_actor_options options) {
  return system.spawn<caf::detached>(run_destination_actor, std::move(options));
}

}  // namespace nexus::actors
