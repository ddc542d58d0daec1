#include "core/timestamp.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus::core;
using namespace std::chrono_literals;

TEST_CASE("a time is written with its fraction trimmed, and without one where it is zero") {
  const std::vector<std::pair<std::int64_t, std::string>> table{
      {0, "1970-01-01T00:00:00Z"},
      {1, "1970-01-01T00:00:00.000000001Z"},
      {100'000'000, "1970-01-01T00:00:00.1Z"},
      {-1, "1969-12-31T23:59:59.999999999Z"},
      {1'775'523'723'120'000'000, "2026-04-07T01:02:03.12Z"},
      {951'782'400'000'000'000, "2000-02-29T00:00:00Z"}};
  for (const auto& [nanoseconds, text] : table) {
    time_point when{std::chrono::nanoseconds{nanoseconds}};
    CHECK(format_timestamp(when) == text);
    REQUIRE(parse_timestamp(text));
    CHECK(*parse_timestamp(text) == when);
  }
}

TEST_CASE("a time survives being written and read, whatever its nanoseconds are") {
  auto when = time_point{std::chrono::sys_days{std::chrono::year{1700} / 1 / 1}};
  for (int i = 0; i < 5'000; ++i) {
    REQUIRE(parse_timestamp(format_timestamp(when)));
    CHECK(*parse_timestamp(format_timestamp(when)) == when);
    when += 970h + 17min + 13s + 987'654'321ns * (i % 7);
  }
}

TEST_CASE("a timestamp is re-spelled as the reference would write it back") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
      {"2026-01-01T00:00:00.500Z", "2026-01-01T00:00:00.5Z"},
      {"2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00Z"},
      {"2026-01-01T00:00:00,25Z", "2026-01-01T00:00:00.25Z"},
      {"2026-01-01T00:00:00.1234567891234Z", "2026-01-01T00:00:00.123456789Z"},
      {"2026-01-01T00:00:00.500+02:00", "2026-01-01T00:00:00.5+02:00"},
      {"2026-01-01T00:00:00-09:30", "2026-01-01T00:00:00-09:30"},
      {"2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00Z"},
      {"2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00Z"},
      {"2026-01-01T9:00:00Z", "2026-01-01T09:00:00Z"},
      {"2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"},
      {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
      {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
      {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"}};
  for (const auto& [text, expected] : table) {
    INFO(text);
    auto normal = normalize_timestamp(text);
    REQUIRE(normal);
    CHECK(*normal == expected);
    CHECK(*normalize_timestamp(*normal) == expected);
  }
}

TEST_CASE("what is not RFC 3339 is no timestamp") {
  for (std::string text : {"",
                           "2026-01-01",
                           "2026-01-01 00:00:00Z",
                           "2026-01-01T00:00:00",
                           "2026-01-01t00:00:00Z",
                           "2026-01-01T00:00:00z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:60Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-02-30T00:00:00Z",
                           "2024-02-30T00:00:00Z",
                           "1900-02-29T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "26-01-01T00:00:00Z",
                           "02026-01-01T00:00:00Z",
                           "2026-1-01T00:00:00Z",
                           "2026-01-01T00:00Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00,Z",
                           "2026-01-01T00:00:00+0200",
                           "2026-01-01T00:00:00+2:00",
                           "2026-01-01T00:00:00+25:00",
                           "2026-01-01T00:00:00ZZ",
                           " 2026-01-01T00:00:00Z",
                           "2026-01-01T00:00:00Z ",
                           "-026-01-01T00:00:00Z",
                           "2026-01-01T:00:00Z",
                           "2026-01-01T00:0:00Z"}) {
    INFO(text);
    CHECK_FALSE(normalize_timestamp(text));
    CHECK_FALSE(parse_timestamp(text));
  }
}

TEST_CASE("an offset is taken off when a time is read") {
  CHECK(*parse_timestamp("2026-01-01T01:00:00+02:00") == *parse_timestamp("2025-12-31T23:00:00Z"));
  CHECK(*parse_timestamp("2026-01-01T01:00:00-00:30") == *parse_timestamp("2026-01-01T01:30:00Z"));
}

TEST_CASE("a time outside the range of the clock is text but no time") {
  for (std::string text :
       {"0001-01-01T00:00:00Z", "1500-01-01T00:00:00Z", "2500-01-01T00:00:00Z"}) {
    CHECK(normalize_timestamp(text));
    CHECK_FALSE(parse_timestamp(text));
  }
}
