// Destinations that are actors, in a real pipeline.
#include "actors/actor_type.hpp"

#include <atomic>
#include <memory>

#include "tests/actors/house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::actors;

namespace {

/// What the actors of a test do with a batch, and what they have got.
struct played {
  std::atomic<std::size_t> spawned = 0;
  std::function<caf::result<outcome_list>(destination_actor::pointer, std::size_t, const delivery&)>
      deliver;
};

destination_actor::behavior_type play(destination_actor::pointer self, std::shared_ptr<played> part,
                                      std::size_t number) {
  return {
      [=](deliver_atom, const delivery& what) { return part->deliver(self, number, what); },
      [](ping_atom) {},
      [](exists_atom, const std::vector<std::string>& ids) {
        return std::vector<bool>(ids.size(), true);
      },
  };
}

/// A pipeline whose destination "d" is an actor.
struct actor_house : house {
  explicit actor_house(std::shared_ptr<played> part) : house({{"d", std::make_shared<script>()}}) {
    types.add("played",
              actor_type([part](caf::actor_system& system,
                                const destinations::settings&) -> core::result<destination_actor> {
                return system.spawn(play, part, ++part->spawned);
              }));
    how.destinations[0].settings.type = "played";
  }
};

outcome_list taken(const delivery& what) {
  return all(what.entries, outcome_kind::delivered);
}

}  // namespace

TEST_CASE("a destination that is an actor gets what was written") {
  auto part = std::make_shared<played>();
  part->deliver = [](auto, auto, const delivery& what) { return taken(what); };
  actor_house in(part);
  in.how.destinations[0].workers = 3;
  auto running = in.start();
  append(*running, 0, 1'000);
  CHECK(wait_for(*running, [](const auto& now) { return now[0].delivered == 1'000; }));
  const auto there = running->exists("d", {"p0", "p1"});
  REQUIRE(there.ok());
  CHECK(*there == std::vector<bool>{true, true});
  CHECK(running->stop(long_budget) == 0);
  CHECK(part->spawned == 4);  // one for each worker, and one that was asked
}

TEST_CASE("an actor that ends, throws, answers with an error or too little is replaced") {
  auto part = std::make_shared<played>();
  part->deliver = [](destination_actor::pointer self, std::size_t number,
                     const delivery& what) -> caf::result<outcome_list> {
    if (number == 1) self->quit(caf::exit_reason::user_shutdown);
    if (number == 1) return self->make_response_promise<outcome_list>();
    if (number == 2) throw std::runtime_error("played");
    if (number == 3) return to_caf({core::errc::io_failed, "played"});
    if (number == 4) return outcome_list{};
    return taken(what);
  };
  actor_house in(part);
  auto running = in.start();
  append(*running, 0, 100);
  CHECK(wait_for(*running, [](const auto& now) { return now[0].delivered == 100; }));
  CHECK(running->status().destinations[0].restarts == 4);
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().wal.permanent_failures == 0);
}

TEST_CASE("an actor that says unreachable is kept, and its entries wait") {
  auto part = std::make_shared<played>();
  std::atomic<int> calls = 0;
  part->deliver = [&calls](auto, auto, const delivery& what) -> caf::result<outcome_list> {
    if (++calls <= 3) return to_caf({core::errc::unreachable, "not yet"});
    return taken(what);
  };
  actor_house in(part);
  auto running = in.start();
  append(*running, 0, 10);
  CHECK(wait_for(*running, [](const auto& now) { return now[0].delivered == 10; }));
  CHECK(running->stop(long_budget) == 0);
  CHECK(part->spawned == 1);
}
