// The whole pipeline with a real log on disk.
#include "actors/pipeline.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <latch>
#include <set>
#include <thread>

#include "tests/actors/house.hpp"
#include "tests/actors/log_keeper.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using actors::destination_options;
using actors::pipeline;
using phase = actors::destination_status::phase;
using core::errc;

namespace {

/// The answer to one append.
core::result<void> append_one(pipeline& to, const std::string& id) {
  std::latch answered(1);
  core::result<void> result;
  to.append({make_entry(id)}, [&](const core::result<void>& answer) {
    result = answer;
    answered.count_down();
  });
  answered.wait();
  return result;
}

std::vector<std::string> ids(std::size_t first, std::size_t last) {
  std::vector<std::string> names;
  for (std::size_t i = first; i < last; ++i) names.push_back("p" + std::to_string(i));
  return names;
}

std::string log_text(const house& in) {
  std::string text;
  for (const auto& file : std::filesystem::directory_iterator(in.how.wal.directory)) {
    text += read_file(file.path().string());
  }
  return text;
}

}  // namespace

TEST_CASE("a thousand entries are delivered exactly once and in order by one worker") {
  auto target = std::make_shared<script>();
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 1'000);
  CHECK(running->stop(long_budget) == 0);
  CHECK(target->delivered_ids() == ids(0, 1'000));
  CHECK(running->status().wal.delivered == 1'000);
}

TEST_CASE("a destination sees an entry as the log stores it") {
  auto target = std::make_shared<script>();
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 1);
  CHECK(running->stop(long_budget) == 0);
  REQUIRE(target->delivered().size() == 1);
  CHECK_FALSE(target->delivered()[0].timestamp.empty());
  CHECK(target->delivered()[0].payload == R"({"n":"p0"})");
}

TEST_CASE("pending entries that name no destination go to the first one") {
  auto target = std::make_shared<script>();
  house in({{"", target}, {"d", target}});
  in.how.destinations.erase(in.how.destinations.begin());  // the nameless one: "d" is the first
  {
    auto log = wal::log::open(in.how.wal);
    REQUIRE(log.ok());
    for (const auto& id : ids(0, 5)) REQUIRE((*log)->append(*make_entry(id, "")).ok());
  }
  auto running = in.start();
  append(*running, 5, 7);
  CHECK(running->stop(long_budget) == 0);
  auto seen = target->delivered_ids();
  std::sort(seen.begin(), seen.end());
  CHECK(seen == ids(0, 7));
  CHECK(log_text(in).find("PENDING") == std::string::npos);
}

TEST_CASE("every append is answered exactly once, also when the pipeline stops meanwhile") {
  constexpr std::size_t threads = 8, each = 1'250;
  auto target = std::make_shared<script>();
  house in({{"d", target}});
  auto running = in.start();
  std::vector<std::atomic<int>> answers(threads * each);
  std::atomic<std::size_t> accepted = 0;
  std::latch all_answered(threads * each), half(threads * each / 2);
  std::vector<std::thread> clients;
  for (std::size_t t = 0; t < threads; ++t) {
    clients.emplace_back([&, t] {
      for (std::size_t i = t * each; i < (t + 1) * each; ++i) {
        running->append({make_entry("p" + std::to_string(i))},
                        [&, i](const core::result<void>& answer) {
                          if (answer.ok()) ++accepted;
                          if (answers[i]++ == 0) all_answered.count_down();
                        });
        if (i % 2 == 0) half.count_down();
      }
    });
  }
  half.wait();
  const auto left = running->stop(long_budget);
  for (auto& client : clients) client.join();
  all_answered.wait();
  for (const auto& count : answers) REQUIRE(count == 1);
  CHECK(left == 0);
  const auto delivered = target->delivered_ids();
  CHECK(delivered.size() == accepted);
  CHECK(std::set<std::string>(delivered.begin(), delivered.end()).size() == accepted);
}

TEST_CASE("an append after the stop is answered with closed") {
  house in({{"d", std::make_shared<script>()}});
  auto running = in.start();
  running->stop(long_budget);
  const auto answer = append_one(*running, "late");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.reason().code == errc::closed);
}

TEST_CASE("what a window has no room for is delivered later, without a restart") {
  gate release;
  auto target = std::make_shared<script>([&](std::size_t, batch_view batch) {
    release.pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  in.how.destinations[0].window_entries_max = 100;
  in.how.destinations[0].batch_entries_max = 16;
  auto running = in.start();
  append(*running, 0, 20'000);
  const auto status = running->status();
  CHECK(status.wal.pending == 20'000);
  CHECK(status.destinations[0].queued <= 100);
  release.open();
  CHECK(target->wait_delivered(20'000));
  CHECK(running->stop(long_budget) == 0);
  CHECK(target->delivered_ids() == ids(0, 20'000));
}

TEST_CASE("a destination that blocks delays nobody else") {
  gate release;
  auto blocked = std::make_shared<script>([&](std::size_t, batch_view batch) {
    release.pass();
    return all(batch, outcome_kind::delivered);
  });
  auto well = std::make_shared<script>();
  house in({{"blocked", blocked}, {"well", well}});
  auto running = in.start();
  append(*running, 0, 50, "blocked");
  REQUIRE(blocked->wait_calls(1));
  append(*running, 50, 150, "well");
  CHECK(well->wait_delivered(100));
  CHECK(blocked->delivered().empty());
  release.open();
  CHECK(running->stop(long_budget) == 0);
}

TEST_CASE("a transient error is followed by another attempt") {
  auto target = std::make_shared<script>([](std::size_t call, batch_view batch) {
    return all(batch, call <= 3 ? outcome_kind::transient : outcome_kind::delivered);
  });
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 1);
  CHECK(target->wait_delivered(1));
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().wal.permanent_failures == 0);
}

TEST_CASE("an unreachable destination fails nothing, however long it takes") {
  auto target = std::make_shared<script>([](std::size_t call, batch_view batch) {
    return all(batch, call <= 50 ? outcome_kind::unreachable : outcome_kind::delivered);
  });
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 10);
  CHECK(target->wait_delivered(10));
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().wal.permanent_failures == 0);
  CHECK(target->delivered_ids() == ids(0, 10));
}

TEST_CASE(
    "an entry that the destination will never take is failed at once, and the next one goes on") {
  auto target = std::make_shared<script>([](std::size_t, batch_view batch) {
    auto answer = all(batch, outcome_kind::delivered);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i]->payload_id == "p1")
        answer[i] = {outcome_kind::permanent, "violates a constraint", {}};
    }
    return answer;
  });
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 3);
  CHECK(running->stop(long_budget) == 0);
  CHECK(target->delivered_ids() == std::vector<std::string>{"p0", "p2"});
  const auto status = running->status();
  CHECK(status.wal.permanent_failures == 1);
  CHECK(status.destinations[0].failed == 1);
  CHECK(status.destinations[0].delivered == 2);
  CHECK(log_text(in).find("PERMANENT_FAILURE") != std::string::npos);
}

TEST_CASE("when the attempts are used up the entry is failed") {
  auto target = std::make_shared<script>(
      [](std::size_t, batch_view batch) { return all(batch, outcome_kind::transient); });
  house in({{"d", target}});
  in.how.destinations[0].retry.max_attempts = 3;
  auto running = in.start();
  append(*running, 0, 1);
  REQUIRE(target->wait_calls(3));
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().wal.permanent_failures == 1);
  CHECK(running->status().destinations[0].last_error == "gave up after attempt 3: scripted");
}

TEST_CASE("a destination that throws or miscounts gets its entries again") {
  auto target = std::make_shared<script>([](std::size_t call, batch_view batch) {
    if (call == 1) throw std::runtime_error("scripted");
    if (call == 2) return outcomes{};
    if (call == 3) throw 42;
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 1);
  CHECK(target->wait_delivered(1));
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().wal.permanent_failures == 0);
}

TEST_CASE(
    "a stop does not wait for a destination that blocks, its entries stay for the next start") {
  auto release = std::make_shared<gate>();
  auto blocked = std::make_shared<script>([release](std::size_t, batch_view batch) {
    release->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", blocked}});
  {
    auto running = in.start();
    append(*running, 0, 100);
    REQUIRE(blocked->wait_calls(1));
    CHECK(running->stop(20ms) == 100);
  }
  auto well = std::make_shared<script>();
  in.types = {};
  add_scripted(in.types, {{"d", well}});
  auto again = in.start();
  CHECK(well->wait_delivered(100));
  CHECK(again->stop(long_budget) == 0);
  CHECK(well->delivered_ids() == ids(0, 100));
  release->open();
  CHECK(blocked->wait_delivered(1));
}

TEST_CASE(
    "a destination with a wrong configuration is tried slowly, fails nothing, and does not hold up "
    "the "
    "stop") {
  auto target = std::make_shared<script>([](std::size_t, batch_view batch) {
    return all(batch, outcome_kind::config_fault, "no such table");
  });
  house in({{"d", target}});
  in.how.destinations[0].breaker.config_fault = 1h;
  auto running = in.start();
  append(*running, 0, 10);
  REQUIRE(target->wait_calls(1));
  CHECK(running->stop(long_budget) == 10);
  const auto status = running->status();
  CHECK(status.destinations[0].state == phase::misconfigured);
  CHECK(status.destinations[0].last_error == "no such table");
  CHECK(status.wal.permanent_failures == 0);
}

TEST_CASE("appends are refused while too many entries wait, and taken again afterwards") {
  gate release;
  auto target = std::make_shared<script>([&](std::size_t, batch_view batch) {
    release.pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  in.how.pending_entries_max = 10;
  auto running = in.start();
  append(*running, 0, 10);
  const auto refused = append_one(*running, "surplus");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == errc::overloaded);
  release.open();
  REQUIRE(target->wait_delivered(10));
  while (running->status().wal.pending >= 10) std::this_thread::yield();
  CHECK(append_one(*running, "taken").ok());
  CHECK(running->stop(long_budget) == 0);
}

TEST_CASE("a write of more entries than may wait is taken when nothing else waits") {
  gate release;
  auto target = std::make_shared<script>([&](std::size_t, batch_view batch) {
    release.pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  in.how.pending_entries_max = 10;
  auto running = in.start();
  const auto write = [&](std::size_t first) {
    std::vector<core::entry_ptr> entries;
    for (std::size_t i = first; i < first + 20; ++i)
      entries.push_back(make_entry("p" + std::to_string(i)));
    std::promise<core::result<void>> done;
    running->append(std::move(entries),
                    [&](const core::result<void>& answer) { done.set_value(answer); });
    return done.get_future().get();
  };
  CHECK(write(0).ok());
  const auto refused = write(20);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == errc::overloaded);
  release.open();
  REQUIRE(target->wait_delivered(20));
  while (running->status().wal.pending > 0) std::this_thread::yield();
  CHECK(write(20).ok());
  CHECK(running->stop(long_budget) == 0);
}

TEST_CASE("a payload that is no JSON is refused alone") {
  auto target = std::make_shared<script>();
  house in({{"d", target}});
  auto running = in.start();
  auto broken = std::make_shared<core::entry>(*make_entry("broken"));
  broken->payload = "{";
  std::latch answered(1);
  core::result<void> answer;
  running->append({broken}, [&](const core::result<void>& result) {
    answer = result;
    answered.count_down();
  });
  append(*running, 0, 5);
  answered.wait();
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.reason().code == errc::invalid_argument);
  CHECK(running->stop(long_budget) == 0);
  CHECK(target->delivered_ids() == ids(0, 5));
}

TEST_CASE("a pipeline with impossible limits does not start") {
  house in({{"d", std::make_shared<script>()}});
  SECTION("two of one name") {
    in.how.destinations.push_back(in.how.destinations[0]);
  }
  SECTION("no workers") {
    in.how.destinations[0].workers = 0;
  }
  CHECK(in.refusal() == errc::bad_config);
}

TEST_CASE(
    "a pipeline may be stopped by another thread than started it, and leaves no thread behind") {
  house in({{"d", std::make_shared<script>()}});
  auto kept = std::make_shared<log_keeper>();
  auto started = pipeline::start(in.how, in.types, kept, in.metrics);
  REQUIRE(started.ok());
  append(**started, 0, 10);
  std::thread([&] { (*started)->stop(long_budget); }).join();
  CHECK(kept->text().find("log opened") != std::string::npos);
  CHECK(kept->text().find("still blocks") == std::string::npos);
}

TEST_CASE("metrics show the pipeline, and outlive it") {
  house in({{"d", std::make_shared<script>()}});
  auto running = in.start();
  append(*running, 0, 7);
  running->stop(long_budget);
  const auto page = in.metrics.text();
  CHECK(page.find("bubblefish_wal_pending_entries 0") != std::string::npos);
  CHECK(page.find("bubblefish_wal_healthy 1") != std::string::npos);
  CHECK(page.find("bubblefish_queue_processing_rate_total 7") != std::string::npos);
  CHECK(page.find("bubblefish_wal_append_latency_seconds_count 7") != std::string::npos);
  CHECK(page.find(R"(nexus_deliveries_total{destination="d",outcome="delivered"} 7)") !=
        std::string::npos);
  CHECK(page.find(R"(nexus_destination_attempts_total{destination="d"} 7)") != std::string::npos);
  CHECK(in.metrics.text() == page);  // looking at it changes nothing
  running.reset();
  CHECK(in.metrics.text().find("bubblefish_queue_processing_rate_total 7") != std::string::npos);
}

TEST_CASE("a pipeline that is destroyed without a stop keeps its entries") {
  auto target = std::make_shared<script>(
      [](std::size_t, batch_view batch) { return all(batch, outcome_kind::unreachable); });
  house in({{"d", target}});
  in.how.destinations[0].retry = {5, 1h, 1h};
  {
    auto running = in.start();
    append(*running, 0, 5);
  }
  auto running = in.start();
  CHECK(running->status().wal.pending == 5);
}
