#include "cli/mapping_check.hpp"

#include <memory>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::cli;

namespace {

ingest::write_preview taken(const std::string& payload,
                            const std::vector<std::string>& destinations) {
  ingest::write_preview out;
  out.status = 200;
  for (const auto& name : destinations) {
    core::entry entry;
    entry.payload = payload;
    entry.destination = name;
    out.entries.push_back(std::make_shared<const core::entry>(entry));
  }
  return out;
}

ingest::write_preview refused(int status, const std::string& code) {
  ingest::write_preview out;
  out.status = status;
  out.error = code;
  out.message = "why";
  return out;
}

std::string word(const std::optional<shown_value>& value) {
  if (!value) return "-";
  std::string out;
  for (const auto& text : value->texts) out += (out.empty() ? "" : ",") + text;
  return value->is_list ? "[" + out + "]" : out;
}

/// `field expected/got`, one for each mismatch.
std::vector<std::string> said(const config::mapping_test& expected,
                              const ingest::write_preview& got) {
  std::vector<std::string> out;
  for (const auto& miss : compare(expected, got))
    out.push_back(miss.field + " " + word(miss.expected) + "/" + word(miss.got));
  return out;
}

const std::string payload =
    R"({"content":"h\ni","role":"","metadata":{"a":"1","b":""},"sensitivity_labels":["x","y"]})";

}  // namespace

TEST_CASE("what a test expects and the payload has is no mismatch") {
  config::mapping_test test;
  test.fields = {{"content", "h\ni", {}}, {"role", "", {}}, {"classification_tier", "", {}}};
  test.metadata = {{"b", "", {}}};
  test.destinations = {{"two", "one"}, {}};
  test.sensitivity_labels = {{"y", "x"}, {}};
  test.status = {"status", "200", {}};
  CHECK(said(test, taken(payload, {"one", "two"})).empty());
  test.exact_metadata = true;
  test.metadata.push_back({"a", "1", {}});
  CHECK(said(test, taken(payload, {"one", "two"})).empty());
}

TEST_CASE("each expectation that is not met is a mismatch at its place") {
  config::mapping_test test;
  test.fields = {{"content", "hi", {"f", 3, 4}}, {"model", "m", {}}};
  test.metadata = {{"b", "2", {}}, {"c", "", {}}};
  test.exact_metadata = true;
  test.metadata_at = {"f", 9, 1};
  test.destinations = {{"one"}, {}};
  test.sensitivity_labels = {{}, {}};
  test.status = {"status", "202", {}};
  const auto got = taken(payload, {"one", "two"});
  CHECK(said(test, got) == std::vector<std::string>{"status 202/200", "content hi/h\ni", "model m/",
                                                    "destinations [one]/[one,two]",
                                                    "sensitivity_labels []/[x,y]", "metadata.b 2/",
                                                    "metadata.c /-", "metadata.a -/1"});
  const auto all = compare(test, got);
  CHECK(all[1].where.line == 3);
  CHECK(all.back().where.line == 9);
}

TEST_CASE("an answer that was not expected is one mismatch, whatever else is expected") {
  config::mapping_test test;
  test.fields = {{"content", "hi", {}}};
  CHECK(said(test, refused(400, "invalid_json")) ==
        std::vector<std::string>{"error -/invalid_json"});
  test = {};
  test.error = {"error", "policy_denied", {}};
  test.status = {"status", "403", {}};
  CHECK(said(test, refused(403, "policy_denied")).empty());
  CHECK(said(test, refused(403, "source_mismatch")) ==
        std::vector<std::string>{"error policy_denied/source_mismatch"});
  CHECK(said(test, taken(payload, {"one"})) ==
        std::vector<std::string>{"error policy_denied/-", "status 403/200"});
}
