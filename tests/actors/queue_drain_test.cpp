// What a queue still does when the pipeline stops.
#include "tests/actors/queue_house.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::actors;
using namespace std::chrono_literals;

TEST_CASE("a drain delivers what the log still has and leaves what is in backoff") {
  queue_house in(50);
  in.how.window_entries_max = 10;
  in.how.batch_entries_max = 1;
  in.start();
  in.report(*in.next(), outcome_kind::transient);
  in.log->sealed = true;
  caf::scoped_actor stopper{in.system};
  auto drained = stopper->request(in.queue, caf::infinite, drain_atom::value);
  in.settle();
  for (int i = 0; i < 49; ++i) {
    REQUIRE_FALSE(stopper->has_next_message());
    auto got = in.next();
    REQUIRE(got);
    in.report(*got, outcome_kind::delivered);
  }
  REQUIRE(stopper->has_next_message());
  drained.receive([] {}, [&](const caf::error& reason) { FAIL(in.system.render(reason)); });
  CHECK(in.status().delivered == 49);
  CHECK(in.log->failures.empty());
}

TEST_CASE("a drain does not let later entries of a key overtake one that is left for later") {
  const bool fails_before = GENERATE(true, false);
  queue_house in(40);
  for (auto& one : in.log->entries) {
    auto entry = std::make_shared<core::entry>(*one);
    entry->subject = "same";
    one = entry;
  }
  in.how.keep = ordering::subject;
  in.in_order = true;
  in.how.window_entries_max = 10;
  in.how.batch_entries_max = 1;
  in.start();
  auto got = in.next();
  REQUIRE(got);
  if (fails_before) in.report(*got, outcome_kind::transient);
  in.log->sealed = true;
  caf::scoped_actor stopper{in.system};
  auto drained = stopper->request(in.queue, caf::infinite, drain_atom::value);
  in.settle();
  if (!fails_before) in.report(*got, outcome_kind::transient);
  CHECK_FALSE(in.next());
  REQUIRE(stopper->has_next_message());
  drained.receive([] {}, [&](const caf::error& reason) { FAIL(in.system.render(reason)); });
  CHECK(in.status().delivered == 0);
}

TEST_CASE("a drain ends where the log cannot be read, also in the middle of a key") {
  queue_house in(50);
  for (auto& one : in.log->entries) {
    auto entry = std::make_shared<core::entry>(*one);
    entry->subject = "same";
    one = entry;
  }
  in.how.keep = ordering::subject;
  in.in_order = true;
  in.how.window_entries_max = 40;
  in.how.batch_entries_max = 16;
  in.log->sealed = true;
  in.start();
  in.report(*in.next(), outcome_kind::transient);  // the room of the others is given up
  in.pass(1'000ms);
  auto got = in.next();
  REQUIRE(got);
  in.log->unreadable = true;
  caf::scoped_actor stopper{in.system};
  auto drained = stopper->request(in.queue, caf::infinite, drain_atom::value);
  in.settle();
  CHECK_FALSE(stopper->has_next_message());
  const auto fetches = in.log->fetches.size();
  in.self->send(in.queue, report_atom::value, got->batch,
                delivery_result{all(got->what.entries, outcome_kind::delivered), false});
  for (int step = 0; step < 100; ++step) in.step();
  CHECK(in.log->fetches.size() <= fetches + 1);
  REQUIRE(stopper->has_next_message());
  drained.receive([] {}, [&](const caf::error& reason) { FAIL(in.system.render(reason)); });
}
