// Waits for something that tells nobody when it happens: a counter, a line of a log.
#pragma once

#include <chrono>
#include <thread>

#include "tests/support/catch.hpp"

namespace nexus::test {

/// Asks until `holds` says true; fails the test after two minutes.
template <class Condition>
void wait_until(const Condition& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) FAIL("it did not happen");
    std::this_thread::yield();
  }
}

}  // namespace nexus::test
