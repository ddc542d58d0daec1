// The queue's rules, message by message.
#include <set>

#include "actors/weight.hpp"
#include "tests/actors/queue_house.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::actors;
using namespace std::chrono_literals;
using phase = destination_status::phase;

TEST_CASE("a queue never holds more than its window, and fetches when a quarter of it is free") {
  queue_house in(1'000);
  in.how.window_entries_max = 100;
  in.how.batch_entries_max = 10;
  in.start();
  CHECK(in.status().queued == 100);
  std::vector<std::string> seen;
  for (int batch = 0; batch < 100; ++batch) {
    auto got = in.next();
    REQUIRE(got);
    for (const auto& entry : got->what.entries) seen.push_back(entry->payload_id);
    in.report(*got, outcome_kind::delivered);
    REQUIRE(in.status().queued <= 100);
  }
  REQUIRE(seen.size() == 1'000);
  for (std::size_t i = 0; i < seen.size(); ++i) REQUIRE(seen[i] == "p" + std::to_string(i));
  CHECK(in.status().queued == 0);
  for (std::size_t i = 1; i + 1 < in.log->fetches.size(); ++i) {
    CHECK(in.log->fetches[i].entries_max >= 25);
  }
}

TEST_CASE("a window of one entry asks for the next only when that is done") {
  queue_house in(3);
  in.how.window_entries_max = 1;
  in.start();
  for (int i = 0; i < 3; ++i) in.report(*in.next(), outcome_kind::delivered);
  for (const auto& fetch : in.log->fetches) CHECK(fetch.entries_max == 1);
}

TEST_CASE("a window is bounded in bytes too") {
  queue_house in(100);
  in.how.window_bytes_max = 10 * weight(*in.log->entries[0]);
  in.start();
  REQUIRE_FALSE(in.log->fetches.empty());
  CHECK(in.log->fetches[0].bytes_max == in.how.window_bytes_max);
}

TEST_CASE("an entry refused for now waits for its backoff, while others go on") {
  queue_house in(2);
  in.how.batch_entries_max = 1;
  in.how.retry = {3, std::chrono::hours(24), std::chrono::hours(24)};
  in.start();
  auto first = in.next();
  in.report(*first, outcome_kind::transient);
  in.pass(1ms);  // drawn from a day, its wait is not over
  auto second = in.next();
  REQUIRE(second);
  CHECK(second->what.entries[0]->payload_id == "p1");
  in.report(*second, outcome_kind::delivered);
  in.pass(std::chrono::hours(24));
  auto again = in.next();
  REQUIRE(again);
  CHECK(again->what.entries[0]->payload_id == "p0");
}

TEST_CASE("an entry that is due earlier than the one before it comes earlier") {
  queue_house in(2);
  in.how.batch_entries_max = 1;
  in.start();
  for (const auto wait : {60s, 10s}) {
    auto got = in.next();
    REQUIRE(got);
    in.finish(*got, {{destinations::outcome{outcome_kind::transient, "scripted", wait}}, false});
  }
  in.pass(10s);
  auto again = in.next();
  REQUIRE(again);
  CHECK(again->what.entries[0]->payload_id == "p1");
}

TEST_CASE("a wait that a resume has ended does not end the next one") {
  queue_house in(1);
  in.start();
  const auto refuse = [&](std::chrono::milliseconds wait) {
    auto got = in.next();
    REQUIRE(got);
    in.finish(*got, {{destinations::outcome{outcome_kind::unreachable, "scripted", wait}}, false});
  };
  refuse(10s);
  in.self->send(in.queue, resume_atom::value);
  in.settle();
  refuse(60s);
  in.pass(11s);
  CHECK_FALSE(in.next());
}

TEST_CASE("of the times that a destination names the longest counts") {
  queue_house in(2);
  in.start();
  auto got = in.next();
  REQUIRE(got);
  REQUIRE(got->what.entries.size() == 2);
  in.finish(*got, {{destinations::outcome{outcome_kind::unreachable, "scripted", 60s},
                    destinations::outcome{outcome_kind::unreachable, "scripted", 10s}},
                   false});
  in.pass(59s);
  CHECK_FALSE(in.next());
}

TEST_CASE("after the last attempt an entry is reported to the log with the reason") {
  queue_house in(1);
  in.start();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    auto got = in.next();
    REQUIRE(got);
    CHECK(in.log->failures.empty());
    in.report(*got, outcome_kind::transient);
    in.pass(8'000ms);
  }
  REQUIRE(in.log->failures.size() == 1);
  CHECK(in.log->failures[0].payload_id == "p0");
  CHECK(in.log->failures[0].reason == "gave up after attempt 3: scripted");
  CHECK(in.status().queued == 0);
  CHECK(in.metrics.get_counter("bubblefish_queue_processing_rate_total", "").value() == 1);
}

TEST_CASE("what a queue that is retired is refused for now stays pending") {
  queue_house in(1);
  in.log->sealed = true;  // no fetch waits
  in.start();
  const auto got = in.next();
  REQUIRE(got);
  caf::scoped_actor changer{in.system};
  auto retired = changer->request(in.queue, caf::infinite, retire_atom::value);
  in.settle();
  CHECK_FALSE(changer->has_next_message());
  in.report(*got, outcome_kind::transient);
  REQUIRE(changer->has_next_message());
  retired.receive([] {}, [&](const caf::error& reason) { FAIL(in.system.render(reason)); });
  CHECK(in.log->failures.empty());
  CHECK(in.log->delivered.empty());
}

TEST_CASE("an unreachable destination is probed with one batch at a time") {
  queue_house in(4);
  in.how.batch_entries_max = 1;
  in.start();
  auto got = in.next();
  in.report(*got, outcome_kind::unreachable);
  CHECK(in.status().state == phase::waiting);
  CHECK_FALSE(in.next());  // this worker's demand stays with the queue
  in.pass(1'000ms);
  // The demand of the worker that is gone took the probe; nobody else gets one.
  CHECK_FALSE(in.next());
}

TEST_CASE("a probe that is answered lets everything flow again, and no attempt was counted") {
  queue_house in(2);
  in.how.batch_entries_max = 1;
  in.start();
  for (int round = 0; round < 20; ++round) {
    auto probe = in.next();
    REQUIRE(probe);
    CHECK(probe->what.entries[0]->payload_id == "p0");
    in.report(*probe, outcome_kind::unreachable);
    in.pass(8'000ms);
  }
  in.report(*in.next(), outcome_kind::delivered);
  CHECK(in.status().state == phase::running);
  CHECK(in.status().last_error.empty());
  CHECK(in.next()->what.entries[0]->payload_id == "p1");
  CHECK(in.log->failures.empty());
}

TEST_CASE("a configuration fault stops the destination and is logged once") {
  queue_house in(1);
  in.how.breaker.config_fault = 30'000ms;
  in.start();
  in.report(*in.next(), outcome_kind::config_fault);
  CHECK(in.status().state == phase::misconfigured);
  in.pass(30'000ms);
  in.report(*in.next(), outcome_kind::config_fault);
  const auto text = in.kept->text();
  CHECK(text.find("cannot be used") != std::string::npos);
  CHECK(text.find("cannot be used") == text.rfind("cannot be used"));
  in.pass(30'000ms);
  in.report(*in.next(), outcome_kind::delivered);
  CHECK(in.status().state == phase::running);
}

TEST_CASE("a report of a batch that nobody holds changes nothing") {
  queue_house in(1);
  in.start();
  auto got = in.next();
  in.report(*got, outcome_kind::delivered);
  in.report(*got, outcome_kind::delivered);
  CHECK(in.status().delivered == 1);
  CHECK(in.status().queued == 0);
}

TEST_CASE("a destination is asked how it is before anything is delivered to it") {
  queue_house in(0);
  in.how.workers = 1;  // no worker answers: its destination cannot be made
  in.spawner = [](caf::actor_system&) -> core::result<destination_actor> {
    return core::error{core::errc::bad_config, "wrong password"};
  };
  in.start();
  CHECK(in.status().state == phase::misconfigured);
  CHECK(in.status().last_error == "wrong password");
}

TEST_CASE("a destination that is well again is noticed without an entry") {
  queue_house in(1);
  in.start();
  auto got = in.next();
  in.report(*got, outcome_kind::config_fault);
  in.pass(30'000ms);
  in.report(*in.next(), outcome_kind::permanent);
  CHECK(in.status().state == phase::running);
  CHECK(in.status().last_error == "scripted");
}

TEST_CASE("a batch that is not full lingers for more") {
  queue_house in(3);
  in.how.batch_entries_max = 4;
  in.how.linger = 50ms;
  in.start();
  caf::scoped_actor worker{in.system};
  auto asked = worker->request(in.queue, caf::infinite, next_atom::value);
  in.settle();
  CHECK_FALSE(worker->has_next_message());
  in.pass(49ms);
  CHECK_FALSE(worker->has_next_message());
  in.pass(1ms);
  REQUIRE(worker->has_next_message());
  asked.receive([](const work& given) { CHECK(given.what.entries.size() == 3); },
                [&](const caf::error& reason) { FAIL(in.system.render(reason)); });

  queue_house full(4);
  full.how.batch_entries_max = 4;
  full.how.linger = 50ms;
  full.start();
  CHECK(full.next());
}

TEST_CASE("the operator's pause holds everything, and the resume ends a wait") {
  queue_house in(2);
  in.how.batch_entries_max = 1;
  in.start();
  in.report(*in.next(), outcome_kind::unreachable);
  in.self->send(in.queue, pause_atom::value);
  in.pass(60'000ms);
  CHECK(in.status().state == phase::paused);
  caf::scoped_actor worker{in.system};
  auto asked = worker->request(in.queue, caf::infinite, next_atom::value);
  in.settle();
  CHECK_FALSE(worker->has_next_message());
  in.self->send(in.queue, resume_atom::value);
  in.settle();
  REQUIRE(worker->has_next_message());
  asked.receive([](const work& given) { CHECK(given.what.entries.size() == 1); },
                [&](const caf::error& reason) { FAIL(in.system.render(reason)); });
}

TEST_CASE("after a breakdown the entries travel alone, and one that breaks it down again waits") {
  queue_house in(8);
  in.how.batch_entries_max = 8;
  in.how.breaker = {100, 1'000ms, 8'000ms, 30'000ms};
  in.start();
  auto batch = in.next();
  REQUIRE(batch);
  CHECK(batch->what.entries.size() == 8);
  in.break_down(*batch);
  auto first = in.next();
  REQUIRE(first);
  CHECK(first->what.entries.size() == 1);
  in.break_down(*first);
  CHECK(in.kept->text().find("entry p0 alone") != std::string::npos);
  for (int round = 0; round < 7; ++round) {
    auto got = in.next();
    REQUIRE(got);
    CHECK(got->what.entries.size() == 1);
    CHECK(got->what.entries.front()->payload_id != "p0");
    in.report(*got, outcome_kind::delivered);
  }
  in.pass(1'000ms);
  auto again = in.next();
  REQUIRE(again);
  CHECK(again->what.entries.front()->payload_id == "p0");
  in.report(*again, outcome_kind::delivered);
  CHECK(in.status().delivered == 8);
  CHECK(in.log->failures.empty());
}

TEST_CASE("a key that fails does not keep other keys from a full window") {
  queue_house in(0);
  for (std::size_t i = 0; i < 400; ++i) {
    auto entry = std::make_shared<core::entry>(*make_entry("p" + std::to_string(i)));
    entry->subject = i < 390 ? "ill" : "well";
    in.log->entries.push_back(entry);
  }
  in.how.keep = ordering::subject;
  in.in_order = true;
  in.how.window_entries_max = 100;
  in.how.batch_entries_max = 1;
  in.how.retry = {1'000, 1'000ms, 1'000ms};
  in.start();
  in.report(*in.next(), outcome_kind::transient);
  for (int i = 0; i < 10; ++i) {
    auto got = in.next();
    REQUIRE(got);
    REQUIRE(got->what.entries.front()->subject == "well");
    in.report(*got, outcome_kind::delivered);
  }
  std::vector<std::string> seen;
  while (seen.size() < 390) {
    in.pass(1'000ms);
    auto got = in.next();
    REQUIRE(got);
    const auto id = got->what.entries.front()->payload_id;
    seen.push_back(id);
    // As the log does: what is delivered is pending no more.
    in.log->entries[std::stoul(id.substr(1))] = nullptr;
    in.report(*got, outcome_kind::delivered);
    REQUIRE(in.status().queued <= 100);
  }
  for (std::size_t i = 0; i < 390; ++i) REQUIRE(seen[i] == "p" + std::to_string(i));
}

namespace {

/// Each use of `crashes`, counted from 1 over all actors, ends its actor; the others note what
/// arrives.
destination_spawner crashing(std::set<int> crashes, std::shared_ptr<int> spawned,
                             std::shared_ptr<std::vector<std::string>> arrived) {
  auto uses = std::make_shared<int>(0);
  return [=](caf::actor_system& system) -> core::result<destination_actor> {
    // With an argument: without one CAF binds a reference to null, which sanitizers report.
    auto run = [=](destination_actor::pointer self, int) -> destination_actor::behavior_type {
      return {
          [=](deliver_atom, const delivery& what) -> caf::result<outcome_list> {
            if (crashes.contains(++*uses)) {
              self->quit(caf::exit_reason::user_shutdown);
              return self->make_response_promise<outcome_list>();
            }
            for (const auto& entry : what.entries) arrived->push_back(entry->payload_id);
            return all(what.entries, outcome_kind::delivered);
          },
          [](ping_atom) {},
          [](exists_atom, const std::vector<std::string>&) { return std::vector<bool>{}; },
      };
    };
    return system.spawn(run, ++*spawned);
  };
}

}  // namespace

TEST_CASE("entries of a destination actor that died are delivered by the next one") {
  queue_house in(3, 1);
  auto spawned = std::make_shared<int>(0);
  auto arrived = std::make_shared<std::vector<std::string>>();
  in.spawner = crashing({1}, spawned, arrived);
  in.start();
  for (int second = 0; second < 10; ++second) in.pass(1'000ms);
  CHECK(*spawned == 2);
  CHECK(*arrived == std::vector<std::string>{"p0", "p1", "p2"});
  CHECK(in.log->delivered == *arrived);
  CHECK(in.status().queued == 0);
}

TEST_CASE("a worker whose destination has broken down takes nothing from those who have one") {
  queue_house in(5, 1);
  in.how.batch_entries_max = 1;
  in.how.breaker = {1, 1ms, 1ms, 1ms};
  auto spawned = std::make_shared<int>(0);
  auto arrived = std::make_shared<std::vector<std::string>>();
  in.spawner = crashing({1}, spawned, arrived);
  in.start();
  for (int step = 0; step < 20; ++step) in.pass(10ms);
  CHECK(*spawned == 1);  // the next one comes after half a second at the earliest
  CHECK(in.status().attempts == 1);
  auto got = in.next();
  REQUIRE(got);
  in.report(*got, outcome_kind::delivered);
  CHECK(in.status().state == phase::running);
  for (int second = 0; second < 10; ++second) in.pass(1'000ms);
  CHECK(*spawned == 2);
  CHECK(arrived->size() == 4);
  CHECK(in.status().queued == 0);
}

TEST_CASE("a destination that cannot be made is tried again less and less often") {
  queue_house in(1, 1);
  int tried = 0;
  in.spawner = [&](caf::actor_system&) -> core::result<destination_actor> {
    ++tried;
    return core::error{core::errc::unreachable, "scripted"};
  };
  in.start();
  for (int step = 0; step < 120; ++step) in.pass(500ms);
  // At once, and then after 0.5, 1, 2, 4, 4, … seconds at the earliest, or twice that.
  CHECK(tried >= 8);
  CHECK(tried <= 18);
}

TEST_CASE("a destination that has delivered since it broke down comes back soon again") {
  queue_house in(2, 1);
  in.how.batch_entries_max = 1;
  auto spawned = std::make_shared<int>(0);
  auto arrived = std::make_shared<std::vector<std::string>>();
  in.spawner = crashing({1, 2, 3, 4, 6}, spawned, arrived);
  in.start();
  for (int step = 0; step < 200 && in.status().restarts < 5; ++step) in.pass(500ms);
  CHECK(*spawned == 5);
  CHECK(arrived->size() == 1);
  in.pass(1'000ms);  // and not after four, as before that delivery
  CHECK(*spawned == 6);
}
