#include "actors/protocol.hpp"

namespace nexus::actors {
namespace {

/// As named in CAF_ERROR_CODE_ENUM in protocol.hpp.
constexpr caf::atom_value category = caf::atom("nexus");

}  // namespace

caf::error to_caf(const core::error& reason) {
  return caf::make_error(reason.code, reason.text);
}

bool is_ours(const caf::error& reason) noexcept {
  return reason.category() == category;
}

core::error from_caf(const caf::actor_system& system, const caf::error& reason) {
  if (!is_ours(reason)) {
    return {core::errc::io_failed, "the actor gave no answer: " + system.render(reason)};
  }
  const auto& context = reason.context();
  const bool has_text = context.match_elements<std::string>();
  return {static_cast<core::errc>(reason.code()),
          has_text ? context.get_as<std::string>(0) : std::string{}};
}

}  // namespace nexus::actors
