// A server that carries a fault plan out.
#pragma once

#include <memory>
#include <utility>

#include "tests/integration/server_home.hpp"
#include "tests/proof/syscalls/fault_file.hpp"

namespace nexus::proof {

/// Nothing if it does not start.
inline std::unique_ptr<cli::child_server> start_with(const fault_file& faults,
                                                     const test::server_home& home) {
  const fault_file::environment set(faults);
  auto started = home.try_start();
  return started ? std::move(*started) : nullptr;
}

}  // namespace nexus::proof
