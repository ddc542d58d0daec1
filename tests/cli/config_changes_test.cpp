#include "cli/config_changes.hpp"

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using texts = std::vector<std::string>;

namespace {

config::config a_config() {
  config::config one;
  one.admin_token = config::secret("admin-secret");
  one.sources = {test::make_source("a"), test::make_source("b")};
  config::destination_config to;
  to.name = "d";
  to.type = "sqlite";
  to.values = {{"password", "first-secret"}};
  one.destinations = {to};
  return one;
}

}  // namespace

TEST_CASE("nothing changes between a configuration and itself, wherever it stands in the files") {
  const auto now = a_config();
  auto next = now;
  next.sources[0].where = {"/elsewhere.toml", 7, 8};
  const auto report = cli::compare(now, next);
  CHECK(report.changes.empty());
  CHECK(report.notes.empty());
}

TEST_CASE("what changes is named, and no value of it") {
  const auto now = a_config();
  auto next = now;
  next.admin_token = config::secret("other-secret");
  next.log_level = "debug";
  next.sources[0].api_keys.emplace_back("more-secret");
  next.sources[0].mapping.pop_back();
  next.sources[1].name = "c";
  next.destinations[0].values["password"] = "second-secret";
  next.destinations[0].workers = 3;
  const auto report = cli::compare(now, next);
  CHECK(report.changes == texts{"daemon.admin_token: changed", "daemon.log_level: changed",
                                "source a: changed (keys, mapping)", "source c: added",
                                "source b: removed",
                                "destination d: changed (keys of the type, workers)"});
  CHECK(report.notes.empty());
}

TEST_CASE("what needs a restart is noted, and stays in effect as it is") {
  const auto now = a_config();
  auto next = now;
  next.port = 9999;
  next.wal.path = "/elsewhere";
  next.limits.max_headers = 7;
  next.limits.max_batch_entries = 5;
  next.tls.enabled = true;
  next.tls.cert_file = "/cert.pem";
  const auto report = cli::compare(now, next);
  CHECK(report.changes == texts{"daemon.limits.max_batch_entries: changed"});
  CHECK(report.notes == texts{"daemon.port: changes with the next start",
                              "daemon.tls.enabled: changes with the next start",
                              "daemon.wal.path: changes with the next start",
                              "daemon.limits.max_headers: changes with the next start"});
  const auto taken = cli::take_over(now, next);
  CHECK(taken.port == now.port);
  CHECK(taken.wal.path == now.wal.path);
  CHECK(taken.limits.max_headers == now.limits.max_headers);
  CHECK(taken.limits.max_batch_entries == 5);
  CHECK_FALSE(taken.tls.enabled);
  CHECK(taken.tls.cert_file.empty());
  CHECK(cli::compare(taken, next).notes == report.notes);
}

TEST_CASE("a reload with an error in a destination is refused, unless the error is an old one") {
  auto now = a_config();
  config::loaded next{now, {{config::severity::error, "type", "wrong", {"/d.toml", 2, 1}}}};
  next.settings.destinations[0].fault = "wrong";
  const auto refused = cli::check_destinations(now, next);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == core::errc::bad_config);
  CHECK(refused.reason().text.find("/d.toml:2:1") != std::string::npos);
  now.destinations[0].fault = "wrong";
  CHECK(cli::check_destinations(now, next).ok());
  now.destinations[0].name = "another";
  CHECK_FALSE(cli::check_destinations(now, next).ok());
}
