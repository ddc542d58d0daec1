#include "core/event.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus;

TEST_CASE("an event that has happened lets everybody pass") {
  core::event event;
  event.set();
  event.wait();
  event.wait();
  event.set();  // once more changes nothing
  event.wait();
}

TEST_CASE("all who wait for an event pass, and see what was written before it") {
  for (int round = 0; round < 200; ++round) {
    core::event event;
    int written = 0;
    std::atomic<int> passed = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        event.wait();
        passed += written;
      });
    written = 1;
    event.set();
    threads.clear();
    REQUIRE(passed == 8);
  }
}

TEST_CASE("who waits for an event for a while is told whether it has happened") {
  core::event event;
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(event.wait_for(std::chrono::milliseconds(2)));
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(2));
  CHECK_FALSE(event.wait_for(std::chrono::nanoseconds(0)));
  event.set();
  CHECK(event.wait_for(std::chrono::nanoseconds(0)));
}

TEST_CASE("who waits for a while is woken as well") {
  for (int round = 0; round < 200; ++round) {
    core::event event;
    std::atomic<int> passed = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] { passed += event.wait_for(std::chrono::hours(1)) ? 1 : 0; });
    event.set();
    threads.clear();
    REQUIRE(passed == 4);
  }
}
