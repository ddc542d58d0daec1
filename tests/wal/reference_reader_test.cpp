// The judge of what our log leaves on disk is held against the reference's own verdicts, and
// against the rules that it was written from.
#include "tests/wal/reference_reader.hpp"

#include <rapidjson/document.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/wal/reference_lines.hpp"

using namespace nexus::test;

namespace {

const std::string golden = NEXUS_GOLDEN_DIRECTORY "/go-wal/";

}  // namespace

TEST_CASE("the judge sees the reference's own directories as the reference does") {
  for (std::string name : {"crc32-fresh", "mac-marked"}) {
    INFO(name);
    std::string key;
    if (name == "mac-marked")
      for (char byte = 0; byte < 32; ++byte) key += byte;
    std::vector<std::string> pending;
    std::set<std::string> delivered;
    std::istringstream verdict(read_file(golden + "expected/" + name + ".jsonl"));
    for (std::string line; std::getline(verdict, line);) {
      rapidjson::Document one;
      one.Parse(line.data(), line.size());
      REQUIRE(one.IsObject());
      if (one.HasMember("summary")) continue;
      if (one.HasMember("sample"))
        delivered.insert(one["payload_id"].GetString());
      else
        pending.push_back(one["payload_id"].GetString());
    }
    const auto view = read_as_reference(golden + name, key);
    CHECK(view.pending == pending);
    CHECK(std::set<std::string>(view.delivered.begin(), view.delivered.end()) == delivered);
    CHECK(view.damaged == 0);
    for (const auto& line : view.lines) {
      INFO(line.json.substr(0, 300));
      CHECK(line.canonical);
      CHECK(line.has_fitting_hmac == !key.empty());
    }
  }
}

TEST_CASE("the judge is strict: what is not the reference's spelling is not called so") {
  temp_dir dir;
  const auto canonical = [&](const std::string& line) {
    write_file(dir / "wal/wal-1.jsonl", line);
    auto view = read_as_reference(dir / "wal", mac_key);
    REQUIRE(view.lines.size() == 1);
    return view.lines[0].canonical;
  };
  CHECK(canonical(reference_line_of(json_of("a"))));
  CHECK(canonical(reference_line_of(json_of("a"), mac_key)));
  CHECK(canonical(reference_line_of(json_of("a", R"(,"more":[1,"\u003c"])"))));
  CHECK_FALSE(canonical(with_cr(reference_line_of(json_of("a")))));
  CHECK_FALSE(canonical(reference_line_of(foreign_json("a"))));
  for (std::string rest : {R"(,"more":"<")", R"(, "more":1)", R"(,"more": 1)", " "})
    CHECK_FALSE(canonical(reference_line_of(json_of("a", rest))));
  for (std::string id : {"\\/", "<", "\\u003C", "\\u000a", "\u2028", "\\u0041", "\xff"})
    CHECK_FALSE(canonical(reference_line_of(json_of(id))));
  auto unterminated = reference_line_of(json_of("a"));
  unterminated.pop_back();
  CHECK_FALSE(canonical(unterminated));
}

TEST_CASE("the judge refuses what the reference refuses, and counts it as the reference does") {
  temp_dir dir;
  const auto read = [&](const std::string& line) {
    write_file(dir / "wal/wal-1.jsonl", line);
    return read_as_reference(dir / "wal", mac_key);
  };
  CHECK(read(sentinel_line_of(json_of("a"), mac_key)).crc_failures == 1);
  CHECK(read(reference_line_of(json_of("a"), "another")).integrity_failures == 1);
  CHECK(read(reference_line_of(zstd_body(json_of("a")))).malformed == 1);
  CHECK(read("{\"version\":2").short_lines == 1);
  for (std::string json :
       {R"({"version":"2"})", R"({"version":2.0})", R"({"timestamp":""})", R"({"status":1})",
        R"({"timestamp":"2026-01-01 00:00:00Z"})", R"({"timestamp":"2026-02-30T00:00:00Z"})",
        R"({"a":01})", R"({"a":1}x)", R"({"a":"\x"})", R"([1])", R"({"a":1,})"})
    CHECK(read(reference_line_of(json)).malformed == 1);
  for (std::string json : {R"(null)", R"({})", R"( {"version":null,"A":1E400} )",
                           R"({"timestamp":"2026-01-01T9:00:00,5+01:00"})"})
    CHECK(read(reference_line_of(json)).malformed == 0);
  CHECK(read(reference_line_of(json_of("a", R"(,"entry_type":"audit")"))).misread == 1);
  const std::string longest(10'485'759 - json_of("").size() - 9, 'x');
  CHECK_FALSE(read(reference_line_of(json_of(longest))).too_long);
  CHECK(read(reference_line_of(json_of(longest + "x"))).too_long);
}
