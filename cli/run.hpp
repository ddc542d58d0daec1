// The whole program, for a main of one's own: register destination types beside the built-in ones
// and call `run`.
//
//     int main(int argc, char** argv) {
//       auto types = nexus::destinations::builtin_types();
//       types.add("counter", ...);
//       return nexus::run(argc, argv, types);
//     }
#pragma once

#include "destinations/registry.hpp"

namespace nexus {

/// Runs the command that the arguments name (section 7 of the v0.1.2 behaviour; docs/cli.md) and
/// returns the exit status: 0 success, 1 failure, which is explained on standard error. `wal
/// verify` also returns 2: unreadable. Call it once, from the main thread, before any other thread
/// is started; SIGPIPE is ignored from then on. The type "actor" (docs/destinations/actor.md) is
/// known besides `types`.
int run(int argc, char** argv, const destinations::registry& types);

}  // namespace nexus
