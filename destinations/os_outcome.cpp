#include "destinations/os_outcome.hpp"

#include <cerrno>

namespace nexus::destinations {

outcome_kind outcome_of_os(int number) noexcept {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
    case EINTR:
    case ESTALE:
    case ETIMEDOUT:
      return outcome_kind::unreachable;
    default:
      return outcome_kind::config_fault;
  }
}

outcome outcome_of(const core::error& reason) {
  // bad_config: found out by ourselves, not by the operating system.
  if (reason.code == core::errc::bad_config) return {outcome_kind::config_fault, reason.text, {}};
  const auto kind = reason.number == 0 ? outcome_kind::unreachable : outcome_of_os(reason.number);
  return {kind, reason.text, {}};
}

core::error ping_error(const core::error& reason) {
  const bool mend = outcome_of(reason).kind == outcome_kind::config_fault;
  return {mend ? core::errc::bad_config : core::errc::unreachable, reason.text, reason.number};
}

}  // namespace nexus::destinations
