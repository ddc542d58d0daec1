// Many threads on one log.
#include <algorithm>
#include <atomic>
#include <functional>
#include <latch>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/wal/log_support.hpp"
#include "tests/wal/reference_reader.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

constexpr int threads_count = 16;
constexpr int per_thread = 40;

/// Runs `work(i)` on 16 threads that start together.
void in_parallel(const std::function<void(int)>& work) {
  std::latch start(threads_count);
  std::vector<std::thread> threads;
  for (int i = 0; i < threads_count; ++i)
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  for (auto& one : threads) one.join();
}

std::string name_of(int thread, int n) {
  return "t" + std::to_string(thread) + "-" + std::to_string(n);
}

}  // namespace

TEST_CASE("concurrent appends are all durable, in each thread's order, and share syncs") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  std::atomic<int> refused = 0;
  in_parallel([&](int thread) {
    for (int n = 0; n < per_thread; ++n)
      if (!log->append(make_entry(name_of(thread, n)))) ++refused;
  });
  CHECK(refused == 0);
  CHECK(log->stats().appended == threads_count * per_thread);
  CHECK(log->stats().syncs <= threads_count * per_thread);
  copy_as_killed(dir / "wal", dir / "copy");
  auto ids = ids_after_reopen(dir / "copy");
  REQUIRE(ids.size() == threads_count * per_thread);
  CHECK(ids == replayed_ids(*log));
  for (int thread = 0; thread < threads_count; ++thread) {
    std::vector<std::string> own, expected;
    for (const auto& id : ids)
      if (id.starts_with("t" + std::to_string(thread) + "-")) own.push_back(id);
    for (int n = 0; n < per_thread; ++n) expected.push_back(name_of(thread, n));
    CHECK(own == expected);
  }
}

TEST_CASE(
    "appending, marking, reading, settling and sampling at the same time lose nothing and invent "
    "nothing") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.max_segment_size_mb = 1;
  how.background_maintenance = true;
  auto log = open_log(how);
  std::atomic<int> failures = 0;
  in_parallel([&](int thread) {
    for (int n = 0; n < per_thread; ++n) {
      auto value = make_entry(name_of(thread, n), {}, "d" + std::to_string(thread % 4));
      value.payload = "\"" + std::string(10'000, 'c') + "\"";
      if (!log->append(value)) ++failures;
      if (n % 2 && !log->mark_delivered(name_of(thread, n), value.destination)) ++failures;
      if (n % 8 == 0) {
        auto batch = log->read_pending(value.destination, 0, 1000, 100 << 20);
        if (!batch) ++failures;
        auto own = std::find_if(batch->entries.begin(), batch->entries.end(), [&](const auto& one) {
          return one.entry->payload_id == value.payload_id;
        });
        if (own == batch->entries.end()) ++failures;  // a thread sees what it has appended
      }
      if (n % 10 == 3 && thread % 4 == 0 && !log->settle()) ++failures;
      if (n % 10 == 5 && thread % 4 == 1 && !log->maintain()) ++failures;
      if (n % 20 == 7) {
        auto sample = log->sample_delivered(1000);
        if (!sample) ++failures;
        for (const auto& one : *sample) {
          auto number = std::stoi(one.payload_id.substr(one.payload_id.find('-') + 1));
          if (number % 2 == 0) ++failures;  // never marked
        }
      }
    }
  });
  CHECK(failures == 0);
  CHECK(log->crc_failures() == 0);
  CHECK(log->pending_count() == threads_count * per_thread / 2);
  auto pending = replayed_ids(*log);
  std::set<std::string> expected;
  for (int thread = 0; thread < threads_count; ++thread)
    for (int n = 0; n < per_thread; n += 2) expected.insert(name_of(thread, n));
  CHECK(std::set<std::string>(pending.begin(), pending.end()) == expected);
  CHECK(pending.size() == expected.size());
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(ids_after_reopen(dir / "copy") == pending);
  log.reset();
  CHECK(ids_after_reopen(dir / "wal") == pending);
  auto view = read_as_reference(dir / "wal");
  CHECK(view.pending == pending);
  CHECK(view.damaged == 0);
  CHECK(view.lines.size() == threads_count * per_thread);
}

TEST_CASE("closing while others append answers every caller, and what was accepted is there") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  std::mutex mutex;
  std::set<std::string> accepted;
  std::atomic<int> wrong = 0;
  in_parallel([&](int thread) {
    for (int n = 0; n < 20; ++n) {
      if (thread == 0 && n == 5 && !log->close()) ++wrong;
      auto outcome = log->append(make_entry(name_of(thread, n)));
      if (outcome) {
        std::lock_guard guard(mutex);
        accepted.insert(name_of(thread, n));
      } else if (outcome.reason().code != core::errc::closed) {
        ++wrong;
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(accepted.size() < threads_count * 20);
  auto ids = ids_after_reopen(dir / "wal");
  CHECK(std::set<std::string>(ids.begin(), ids.end()) == accepted);
  CHECK(ids.size() == accepted.size());
}

TEST_CASE("who wants the log for himself gets his turn while others append without a pause") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  std::atomic<bool> enough = false;
  std::atomic<int> wrong = 0;
  in_parallel([&](int thread) {
    if (thread == 0) {
      for (int n = 0; n < 20; ++n)
        if (!log->sync() || !log->settle()) ++wrong;
      enough = true;
    }
    for (int n = 0; !enough; ++n)
      if (!log->append(make_entry(name_of(thread, n)))) ++wrong;
  });
  CHECK(wrong == 0);
}
