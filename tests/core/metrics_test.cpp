#include "core/metrics.hpp"

#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus::core;

namespace {

bool has_line(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the metrics page shows counters, gauges and histograms in the Prometheus text format") {
  metrics all;
  all.get_counter("nexus_things_total", "Things.", {{"source", "a\"b"}}).add();
  all.get_counter("nexus_things_total", "Things.", {{"source", "a\"b"}}).add(2);
  all.get_counter("nexus_things_total", "Things.", {{"source", "c"}});
  all.get_gauge("nexus_depth", "Depth.").set(-1.5);
  auto& times = all.get_histogram("nexus_seconds", "Time.", {}, {0.1, 1});
  times.observe(0.05);
  times.observe(0.5);
  times.observe(5);
  auto page = all.text();
  CHECK(has_line(page, "# HELP nexus_things_total Things."));
  CHECK(has_line(page, "# TYPE nexus_things_total counter"));
  CHECK(has_line(page, R"(nexus_things_total{source="a\"b"} 3)"));
  CHECK(has_line(page, R"(nexus_things_total{source="c"} 0)"));
  CHECK(has_line(page, "# TYPE nexus_depth gauge"));
  CHECK(has_line(page, "nexus_depth -1.5"));
  CHECK(has_line(page, R"(nexus_seconds_bucket{le="0.1"} 1)"));
  CHECK(has_line(page, R"(nexus_seconds_bucket{le="1"} 2)"));
  CHECK(has_line(page, R"(nexus_seconds_bucket{le="+Inf"} 3)"));
  CHECK(has_line(page, "nexus_seconds_count 3"));
  CHECK(has_line(page, "nexus_seconds_sum 5.55"));
}

TEST_CASE("a histogram without bounds of its own has the eleven default buckets") {
  metrics all;
  all.get_histogram("nexus_seconds", "Time.").observe(0.004);
  auto page = all.text();
  std::size_t buckets = 0;
  for (auto at = page.find("_bucket{"); at != page.npos; at = page.find("_bucket{", at + 1))
    ++buckets;
  CHECK(buckets == 12);
  CHECK(has_line(page, R"(nexus_seconds_bucket{le="0.005"} 1)"));
  CHECK(has_line(page, R"(nexus_seconds_bucket{le="10"} 1)"));
}

TEST_CASE("the same name and labels give the same metric") {
  metrics all;
  CHECK(&all.get_counter("a_total", "A.") == &all.get_counter("a_total", "A."));
  CHECK(&all.get_counter("a_total", "A.", {{"x", "1"}}) !=
        &all.get_counter("a_total", "A.", {{"x", "2"}}));
  CHECK(&all.get_gauge("b", "B.") == &all.get_gauge("b", "B."));
  CHECK(&all.get_histogram("c", "C.") == &all.get_histogram("c", "C."));
}

TEST_CASE("gauges are brought up to date before each page, and a refresher may use the metrics") {
  metrics all;
  int calls = 0;
  all.on_collect([&] { all.get_gauge("nexus_calls", "Calls.").set(++calls); });
  CHECK(has_line(all.text(), "nexus_calls 1"));
  CHECK(has_line(all.text(), "nexus_calls 2"));
}

TEST_CASE("counters count from many threads without losing any") {
  metrics all;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) all.get_counter("n_total", "N.").add();
    });
  for (auto& one : threads) one.join();
  CHECK(all.get_counter("n_total", "N.").value() == 8000);
}

TEST_CASE("a gauge that is removed is off the page, and may come again") {
  metrics all;
  all.get_gauge("nexus_depth", "Depth.", {{"queue", "a"}}).set(1);
  all.get_gauge("nexus_depth", "Depth.", {{"queue", "b"}}).set(2);
  all.remove_gauge("nexus_depth", {{"queue", "a"}});
  all.remove_gauge("nexus_depth", {{"queue", "unknown"}});
  CHECK_FALSE(has_line(all.text(), R"(nexus_depth{queue="a"} 1)"));
  CHECK(has_line(all.text(), R"(nexus_depth{queue="b"} 2)"));
  all.get_gauge("nexus_depth", "Depth.", {{"queue", "a"}}).set(3);
  CHECK(has_line(all.text(), R"(nexus_depth{queue="a"} 3)"));
}
