// What an error of the operating system means for the entries at hand. Internal to the
// destinations that write files.
#pragma once

#include "core/error.hpp"
#include "destinations/destination.hpp"

namespace nexus::destinations {

/// Short of space, descriptors or memory, or a disk that fails: `unreachable`, it keeps every entry
/// out and may pass. All else (rights, a path that cannot be): `config_fault`.
outcome_kind outcome_of_os(int number) noexcept;

/// The same for an error of core/file.hpp; one without an errno may pass.
outcome outcome_of(const core::error& reason);

/// What `ping` says of that error.
core::error ping_error(const core::error& reason);

}  // namespace nexus::destinations
