#include "cli/consistency.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "cli/consistency_checker.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using ids = std::vector<std::string>;

namespace {

core::entry make_entry(const std::string& id, const std::string& destination) {
  core::entry one;
  one.payload_id = id;
  one.destination = destination;
  one.payload = "{}";
  return one;
}

/// Delivered entries, and destinations that have some of them.
struct fake_pipeline {
  std::vector<core::entry> delivered;
  std::map<std::string, std::set<std::string>> there;
  std::map<std::string, core::error> trouble;  ///< by destination
  std::vector<core::entry> redelivered;
  std::vector<std::size_t> questions;  ///< how many ids each had
  std::function<void()> on_question = [] {};

  void add(const std::string& destination, int count, int missing) {
    there.try_emplace(destination);
    for (int i = 0; i < count; ++i) {
      const std::string id = destination + std::to_string(i);
      delivered.push_back(make_entry(id, destination));
      if (i >= missing) there[destination].insert(id);
    }
  }

  cli::consistency_source source() {
    cli::consistency_source from;
    for (const auto& [name, what] : there) from.destinations.push_back(name);
    from.delivered_entries = [this](const auto& fn) -> core::result<void> {
      for (const auto& one : delivered)
        if (auto taken = fn(one); !taken) return taken;
      return {};
    };
    from.sample_delivered = [this](std::size_t count) -> core::result<std::vector<core::entry>> {
      return std::vector<core::entry>(
          delivered.begin(),
          delivered.begin() + static_cast<std::ptrdiff_t>(std::min(count, delivered.size())));
    };
    from.exists = [this](const std::string& name,
                         const ids& wanted) -> core::result<std::vector<bool>> {
      questions.push_back(wanted.size());
      if (trouble.contains(name)) return trouble.at(name);
      std::vector<bool> found;
      for (const auto& id : wanted) found.push_back(there[name].contains(id));
      on_question();
      return found;
    };
    from.redeliver = [this](std::span<const core::entry> all) -> core::result<std::uint64_t> {
      redelivered.insert(redelivered.end(), all.begin(), all.end());
      return all.size();
    };
    return from;
  }

  core::result<ingest::consistency_report> check(const ingest::consistency_choice& what = {}) {
    return cli::check_consistency(source(), what, std::stop_token(), 0ms);
  }
};

ingest::consistency_choice everything() {
  ingest::consistency_choice what;
  what.all = true;
  return what;
}

/// Keeps the level and text of what is logged.
class level_keeper final : public core::logger {
 public:
  void write(core::log_level level, std::string_view text) override {
    lines.emplace_back(level, text);
  }
  void set_level(core::log_level) override {}
  std::vector<std::pair<core::log_level, std::string>> lines;
};

}  // namespace

TEST_CASE("The score is the share of what was found, 1 where nothing was delivered") {
  fake_pipeline in;
  in.there["a"] = {};
  CHECK(ingest::consistency_score(*in.check()) == 1.0);
  in.add("a", 20, 0);
  CHECK(ingest::consistency_score(*in.check()) == 1.0);
  for (int i = 0; i < 5; ++i) in.there["a"].erase("a" + std::to_string(i));
  const auto report = in.check();
  REQUIRE(report.ok());
  CHECK(ingest::consistency_score(*report) == 0.75);
  REQUIRE(report->destinations.size() == 1);
  CHECK(report->destinations[0].missing == ids{"a0", "a1", "a2", "a3", "a4"});
  CHECK(in.redelivered.empty());
}

TEST_CASE("Each destination is asked for its own, in batches, and has its own score") {
  fake_pipeline in;
  in.add("a", 600, 3);
  in.add("b", 300, 0);
  const auto report = in.check(everything());
  REQUIRE(report.ok());
  REQUIRE(report->destinations.size() == 2);
  CHECK(report->destinations[0].looked_up == 600);
  CHECK(report->destinations[0].found == 597);
  CHECK(report->destinations[0].missing == ids{"a0", "a1", "a2"});
  CHECK(report->destinations[1].looked_up == 300);
  CHECK(report->destinations[1].missing.empty());
  for (const auto count : in.questions) CHECK(count <= 256);
  auto one = everything();
  one.destination = "b";
  CHECK(in.check(one)->destinations.size() == 1);
  one.all = false;
  one.sample = 10;
  CHECK(in.check(one)->destinations[0].looked_up == 10);
  one.destination = "c";
  CHECK(in.check(one).reason().code == core::errc::not_found);
}

TEST_CASE("Destinations that cannot say what they have are left out and named") {
  fake_pipeline in;
  in.add("a", 4, 1);
  in.add("b", 4, 4);
  in.trouble.insert({"b", {core::errc::unsupported, "cannot be asked"}});
  in.delivered.push_back(make_entry("x", "gone"));
  const auto report = in.check(everything());
  REQUIRE(report.ok());
  CHECK(ingest::consistency_score(*report) == 0.75);
  REQUIRE(report->destinations.size() == 3);
  CHECK(report->destinations[1].skipped == "cannot be asked");
  CHECK(report->destinations[1].looked_up == 0);
  CHECK(report->destinations[2].name == "gone");
  CHECK(report->destinations[2].skipped == "it is not configured");
}

TEST_CASE("What shows a moment later is not missing") {
  fake_pipeline in;
  in.add("a", 4, 2);
  in.on_question = [&] { in.there["a"].insert("a0"); };
  const auto report = in.check();
  REQUIRE(report.ok());
  CHECK(report->destinations[0].missing == ids{"a1"});
  CHECK(report->destinations[0].found == 3);
}

TEST_CASE("What is missing is redelivered whole, where that is asked for, and only that") {
  fake_pipeline in;
  in.add("a", 3'000, 2'500);
  in.delivered.push_back(make_entry("old", ""));
  auto what = everything();
  what.redeliver = true;
  const auto report = in.check(what);
  REQUIRE(report.ok());
  CHECK(report->redelivered == 2'501);
  REQUIRE(in.redelivered.size() == 2'501);
  CHECK(report->destinations[0].looked_up == 3'001);
  CHECK(report->destinations[0].missing.size() == 2'501);
  std::set<std::string> distinct;
  for (const auto& one : in.redelivered) {
    distinct.insert(one.payload_id);
    CHECK(one.payload == "{}");
    CHECK(one.destination == "a");  // also that of the entry which names none
  }
  CHECK(distinct.size() == 2'501);
}

TEST_CASE("What was delivered twice is missing once") {
  fake_pipeline in;
  in.add("a", 4, 1);
  in.delivered.push_back(make_entry("a0", "a"));
  const auto report = in.check(everything());
  REQUIRE(report.ok());
  CHECK(report->destinations[0].missing == ids{"a0"});
  CHECK(report->destinations[0].looked_up == 4);
  CHECK(report->destinations[0].found == 3);
}

TEST_CASE("A check that is to stop does not wait for the second look") {
  fake_pipeline in;
  in.add("a", 4, 2);
  std::stop_source stop;
  in.on_question = [&] { stop.request_stop(); };
  const auto report = cli::check_consistency(in.source(), everything(), stop.get_token(), 1h);
  REQUIRE_FALSE(report.ok());
  CHECK(report.reason().code == core::errc::closed);
}

TEST_CASE("A low score is a warning, a very low one an error, and ids are named up to twenty") {
  const auto logged = [](int missing) {
    fake_pipeline in;
    in.add("a", 100, missing);
    level_keeper log;
    cli::log_report(*in.check(), log);
    REQUIRE(log.lines.size() == 1);
    return log.lines.front();
  };
  CHECK(logged(0).first == core::log_level::info);
  CHECK(logged(5).first == core::log_level::info);
  CHECK(logged(6).first == core::log_level::warn);
  CHECK(logged(20).first == core::log_level::warn);
  const auto bad = logged(21);
  CHECK(bad.first == core::log_level::error);
  CHECK(bad.second.find("a: 21 of 100 are missing: a0, a1,") != std::string::npos);
  CHECK(bad.second.find("a19 and 1 more") != std::string::npos);
  CHECK(bad.second.find("a20") == std::string::npos);
}

TEST_CASE("The checker looks by itself, shows the score, and stops at once") {
  fake_pipeline in;
  in.add("a", 20, 0);
  core::metrics metrics;
  cli::consistency_checker checker(in.source(), core::make_null_logger(), metrics);
  CHECK(checker.score() == -1);
  CHECK(metrics.text().find("bubblefish_consistency_score -1") != std::string::npos);
  checker.run_every(1ms, 20);
  while (checker.score() < 0) std::this_thread::yield();
  checker.stop();
  CHECK(checker.score() == 1);
  CHECK(metrics.text().find("bubblefish_consistency_score 1\n") != std::string::npos);
  CHECK(metrics.text().find("nexus_consistency_score{destination=\"a\"} 1\n") != std::string::npos);
  CHECK(checker.check(everything()).reason().code == core::errc::closed);
}

TEST_CASE("The score of a destination that is taken out during a check is not shown any more") {
  fake_pipeline in;
  in.add("a", 5, 0);
  in.add("b", 5, 5);
  core::metrics metrics;
  cli::consistency_checker checker(in.source(), core::make_null_logger(), metrics);
  in.on_question = [&] { checker.replace({"a"}); };
  REQUIRE(checker.check(everything()));
  CHECK(metrics.text().find("nexus_consistency_score{destination=\"a\"}") != std::string::npos);
  CHECK(metrics.text().find("nexus_consistency_score{destination=\"b\"}") == std::string::npos);
  checker.replace({"a", "b"});
  in.on_question = [] {};
  REQUIRE(checker.check(everything()));
  CHECK(metrics.text().find("nexus_consistency_score{destination=\"b\"}") != std::string::npos);
}
