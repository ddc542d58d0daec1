#include "actors/wal_actor.hpp"

#include <future>

#include "actors/status_source.hpp"
#include "tests/actors/deterministic.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::actors;

TEST_CASE("those who wait for a delivery one after the other share one timer") {
  temp_dir directory;
  wal::options how;
  how.directory = directory / "wal";
  auto log = wal::log::open(how);
  REQUIRE(log.ok());
  core::metrics metrics;
  deterministic in;
  auto wal = spawn_wal_actor(in.system,
                             {std::move(*log), core::make_null_logger(), &append_seconds(metrics)});
  for (int round = 0; round < 10; ++round) {
    const auto id = "p" + std::to_string(round);
    std::promise<void> durable, told;
    caf::anon_send(
        wal, append_atom::value,
        std::make_shared<submission>(
            std::vector{make_entry(id)}, [&](const core::result<void>&) { durable.set_value(); },
            core::confirmation{std::chrono::hours(1),
                               [&](const core::delivery_report&) { told.set_value(); }}));
    durable.get_future().wait();
    caf::anon_send(wal, delivered_atom::value, std::string("d"), std::vector<std::string>{id});
    told.get_future().wait();
  }
  in.self->send_exit(wal, caf::exit_reason::user_shutdown);
  in.self->wait_for(wal);
  CHECK(in.timers() <= 1);
}
