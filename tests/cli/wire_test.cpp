// The configuration reaches the parts that it is for.
#include "cli/wire.hpp"

#include "tests/support/catch.hpp"

using namespace nexus;
using std::chrono::milliseconds;

namespace {

config::destination_config a_destination() {
  config::destination_config from;
  from.name = "d";
  from.type = "sqlite";
  from.values = {{"db_path", "/x"}};
  from.workers = 2;
  from.batch_size = 3;
  from.batch_bytes = 4096;
  from.linger = milliseconds(5);
  from.max_attempts = 6;
  from.initial_backoff = milliseconds(7);
  from.max_backoff = milliseconds(8);
  from.timeout = milliseconds(9);
  from.ordering = config::delivery_order::subject;
  from.breaker = {10, milliseconds(11), milliseconds(12), milliseconds(13)};
  from.required = true;
  from.fault = "broken";
  return from;
}

}  // namespace

TEST_CASE("every key of a destination reaches the pipeline") {
  config::config settings;
  settings.queue_size = 14;
  settings.destinations = {a_destination()};
  const auto how =
      cli::pipeline_options(settings, destinations::builtin_types(), core::make_null_logger());
  REQUIRE(how.destinations.size() == 1);
  const auto& to = how.destinations[0];
  CHECK(to.settings.name == "d");
  CHECK(to.settings.type == "sqlite");
  CHECK(to.settings.text("db_path") == "/x");
  CHECK(to.settings.timeout == milliseconds(9));
  CHECK(to.settings.batch_entries_max == 3);
  CHECK(to.workers == 2);
  CHECK(to.batch_entries_max == 3);
  CHECK(to.batch_bytes_max == 4096);
  CHECK(to.linger == milliseconds(5));
  CHECK(to.window_entries_max == 14);
  CHECK(to.retry.max_attempts == 6);
  CHECK(to.retry.initial_backoff == milliseconds(7));
  CHECK(to.retry.max_backoff == milliseconds(8));
  CHECK(to.keep == actors::ordering::subject);
  CHECK(to.breaker.failure_threshold == 10);
  CHECK(to.breaker.open == milliseconds(11));
  CHECK(to.breaker.open_max == milliseconds(12));
  CHECK(to.breaker.config_fault == milliseconds(13));
  CHECK(to.required);
  CHECK(to.fault == "broken");
}

TEST_CASE("without a number of workers the type's default counts") {
  config::config settings;
  settings.destinations = {a_destination()};
  settings.destinations[0].workers = 0;
  const auto types = destinations::builtin_types();
  const auto how = cli::pipeline_options(settings, types, core::make_null_logger());
  CHECK(how.destinations.at(0).workers == types.find("sqlite")->workers_default);
}

TEST_CASE("nobody reads from a destination with a fault") {
  config::config settings;
  settings.destinations = {a_destination(), a_destination()};
  settings.destinations[1].name = "e";
  settings.destinations[1].fault.clear();
  const auto readable = cli::destination_settings(settings);
  REQUIRE(readable.size() == 1);
  CHECK(readable[0].name == "e");
}

TEST_CASE("a destination that the operator paused is healthy, one that waits is not") {
  using phase = actors::destination_status::phase;
  actors::pipeline_status status;
  for (const auto state : {phase::running, phase::paused, phase::waiting, phase::misconfigured}) {
    actors::destination_status one;
    one.state = state;
    status.destinations.push_back(one);
  }
  const auto seen = cli::to_state(status).destinations;
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].healthy);
  CHECK(seen[1].healthy);
  CHECK(seen[1].state == "paused");
  CHECK_FALSE(seen[2].healthy);
  CHECK_FALSE(seen[3].healthy);
}
