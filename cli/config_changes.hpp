// What a reload changes: two configurations compared, and what of the new one can be taken over by
// a program that runs.
#pragma once

#include "config/config.hpp"
#include "config/loader.hpp"
#include "core/result.hpp"
#include "ingest/ports.hpp"

namespace nexus::cli {

/// Names what is different, never a value. What needs a restart is among the notes.
ingest::reload_report compare(const config::config& now, const config::config& next);

/// `next`, but with what is in effect until the next start as it is in `now`.
config::config take_over(const config::config& now, config::config next);

/// A destination with an error in its table does not keep the program from starting; but a reload
/// with one is refused, unless it is an error of old. Error `bad_config`: every finding, one a
/// line.
core::result<void> check_destinations(const config::config& now, const config::loaded& next);

}  // namespace nexus::cli
