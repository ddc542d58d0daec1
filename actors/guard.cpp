#include "actors/guard.hpp"

#include <fmt/format.h>

#include <exception>

namespace nexus::actors {
namespace {

std::string type_names(const caf::actor_system& system, const caf::type_erased_tuple& content) {
  std::string names;
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (i > 0) names += ", ";
    names += system.types().portable_name(content.type(i));
  }
  return names;
}

std::string what(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

}  // namespace

void guard(caf::scheduled_actor* self, const std::string& who, const core::logger_ptr& log) {
  self->set_default_handler([who, log](caf::scheduled_actor* actor,
                                       caf::message_view& view) -> caf::result<caf::message> {
    log->warn(fmt::format("{}: dropped an unexpected message ({})", who,
                          type_names(actor->system(), view.content())));
    return caf::make_error(caf::sec::unexpected_message);
  });
  self->set_exception_handler(
      [who, log](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
        log->error(fmt::format("{}: ended by an exception: {}", who, what(thrown)));
        return caf::make_error(caf::sec::runtime_error);
      });
}

}  // namespace nexus::actors
