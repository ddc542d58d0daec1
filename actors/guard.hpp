// What every actor of ours does with messages and exceptions that nobody expects. CAF's own
// defaults print the message's contents, payloads included, to standard output.
#pragma once

#include <caf/all.hpp>
#include <string>

#include "core/log.hpp"

namespace nexus::actors {

/// Drops unexpected messages with a warning that names their types only; logs an exception that
/// leaves a handler, which always ends the actor. `who` is the actor's name for people.
void guard(caf::scheduled_actor* self, const std::string& who, const core::logger_ptr& log);

}  // namespace nexus::actors
