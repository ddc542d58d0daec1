#include "cli/reloader.hpp"

#include <atomic>
#include <future>
#include <latch>

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using cli::reloader;
using report = core::result<ingest::reload_report>;

namespace {

/// A reloader whose steps do what a test says.
struct workshop {
  explicit workshop(std::function<report(int run)> what)
      : worker({[this]() -> core::result<config::loaded> {
                  ++loads;
                  return config::loaded{};
                },
                [this, what = std::move(what)](const config::loaded&) { return what(++applies); }},
               log) {}

  report ask(reloader::trigger by) {
    std::promise<report> told;
    auto answer = told.get_future();
    worker.request(by, [&](report outcome) { told.set_value(std::move(outcome)); });
    return answer.get();
  }

  std::shared_ptr<test::recording_logger> log = std::make_shared<test::recording_logger>();
  std::atomic<int> loads = 0;
  std::atomic<int> applies = 0;
  reloader worker;
};

report nothing_changed(int) {
  return ingest::reload_report{};
}

}  // namespace

TEST_CASE("whoever asks for a reload is told what it came to, and so is the log") {
  workshop in([](int) { return ingest::reload_report{{"source a: added"}, {"port: later"}}; });
  const auto outcome = in.ask(reloader::trigger::request);
  REQUIRE(outcome.ok());
  CHECK(outcome->changes == std::vector<std::string>{"source a: added"});
  CHECK(in.log->text().find("source a: added") != std::string::npos);
  CHECK(in.log->text().find("port: later") != std::string::npos);
}

TEST_CASE("requests that come during a reload share one that begins afterwards") {
  std::latch began(1);
  std::promise<void> go_on;
  workshop in([&, gate = go_on.get_future().share()](int run) {
    if (run == 1) {
      began.count_down();
      gate.wait();
    }
    return ingest::reload_report{{std::to_string(run)}, {}};
  });
  std::latch answered(4);
  std::mutex mutex;
  std::vector<std::string> runs;
  const auto note = [&](const report& outcome) {
    {
      const std::lock_guard lock(mutex);
      runs.push_back(outcome->changes.front());
    }
    answered.count_down();
  };
  in.worker.request(reloader::trigger::request, note);
  began.wait();
  for (int i = 0; i < 3; ++i) in.worker.request(reloader::trigger::request, note);
  go_on.set_value();
  answered.wait();
  CHECK(runs == std::vector<std::string>{"1", "2", "2", "2"});
  CHECK(in.applies == 2);
}

TEST_CASE("a file that stays wrong is logged once, and again for whoever asks") {
  std::atomic<int> kind = 0;
  workshop in([&](int) -> report {
    if (kind == 2) return ingest::reload_report{};
    return core::error{core::errc::bad_config,
                       kind == 0 ? "a.toml:1:2: wrong" : "b.toml:3:4: wrong"};
  });
  CHECK_FALSE(in.ask(reloader::trigger::files).ok());
  CHECK_FALSE(in.ask(reloader::trigger::files).ok());
  CHECK(in.log->count(core::log_level::error) == 1);
  kind = 1;
  CHECK_FALSE(in.ask(reloader::trigger::files).ok());
  CHECK(in.log->count(core::log_level::error) == 2);
  CHECK_FALSE(in.ask(reloader::trigger::request).ok());
  CHECK(in.log->count(core::log_level::error) == 3);
  kind = 2;
  CHECK(in.ask(reloader::trigger::files).ok());
  kind = 1;
  CHECK_FALSE(in.ask(reloader::trigger::files).ok());
  CHECK(in.log->count(core::log_level::error) == 4);
}

TEST_CASE("a configuration that cannot be loaded is not applied") {
  auto log = std::make_shared<test::recording_logger>();
  bool applied = false;
  reloader worker({[]() -> core::result<config::loaded> {
                     return core::error{core::errc::bad_config, "daemon.toml:1:1: wrong"};
                   },
                   [&](const config::loaded&) -> report {
                     applied = true;
                     return ingest::reload_report{};
                   }},
                  log);
  std::promise<report> told;
  auto answer = told.get_future();
  worker.request(reloader::trigger::request,
                 [&](report outcome) { told.set_value(std::move(outcome)); });
  const auto outcome = answer.get();
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.reason().text == "daemon.toml:1:1: wrong");
  worker.stop();
  CHECK_FALSE(applied);
}

TEST_CASE("after its stop a reloader answers closed") {
  workshop in(nothing_changed);
  in.worker.stop();
  const auto outcome = in.ask(reloader::trigger::request);
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.reason().code == core::errc::closed);
  CHECK(in.loads == 0);
}
