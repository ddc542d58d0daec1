#include "cli/job_thread.hpp"

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus;
using cli::job_thread;

TEST_CASE("Jobs run one after the other, in order, on a thread of their own") {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  std::latch done(3);
  job_thread work(10, "jobs");
  for (int i = 0; i < 3; ++i) {
    work.run([&, i](const core::result<void>& may_run) {
      if (may_run.ok()) order.push_back(i);
      threads.push_back(std::this_thread::get_id());
      done.count_down();
    });
  }
  done.wait();
  work.stop();
  CHECK(order == std::vector<int>{0, 1, 2});
  for (const auto& id : threads) CHECK(id != std::this_thread::get_id());
}

TEST_CASE("Beyond its bound a job is refused at once, and what waits at the stop is told so") {
  std::latch running(1), release(1);
  std::atomic<int> closed = 0, ran = 0;
  job_thread work(2, "jobs");
  work.run([&](const core::result<void>&) {
    running.count_down();
    release.wait();
  });
  running.wait();
  for (int i = 0; i < 2; ++i) {
    work.run([&](const core::result<void>& may_run) { may_run.ok() ? ++ran : ++closed; });
  }
  core::errc refused{};
  std::string text;
  work.run([&](const core::result<void>& may_run) {
    if (may_run.ok()) return;
    refused = may_run.reason().code;
    text = may_run.reason().text;
  });
  CHECK(refused == core::errc::overloaded);
  CHECK(text == "2 jobs are waiting");
  std::thread stopper([&] { work.stop(); });
  // The first job ends once stop() has begun, which shows in why another one is refused.
  for (bool stopping = false; !stopping;) {
    work.run([&](const core::result<void>& may_run) {
      stopping = !may_run.ok() && may_run.reason().code == core::errc::closed;
    });
  }
  release.count_down();
  stopper.join();
  CHECK(ran == 0);
  CHECK(closed == 2);
}
