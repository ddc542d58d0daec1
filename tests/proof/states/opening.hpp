// Opening what a crash has left, several times over.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "tests/proof/states/promises.hpp"
#include "tests/proof/states/recording_files.hpp"
#include "tests/proof/states/workload.hpp"

namespace nexus::test {

/// What openings of one state have shown.
struct opening {
  log_view shown;
  std::string breach;  ///< what was wrong whatever was promised; empty: nothing
  /// What was taken for damage instead of for a write that was cut off; empty: nothing.
  std::string damage;
};

/// Opens the state as a log; then once more, which must change nothing: no byte, and nothing of
/// what is shown. In between the power goes a second time, at a change of the first opening that
/// `random` draws, and what was durable then must show the same. A line that is not what was
/// appended, and an alarm, are breaches.
opening open_state(const disk_image& state, const log_kind& kind, std::mt19937_64& random);

}  // namespace nexus::test
