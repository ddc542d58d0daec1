#include "tests/integration/refusal.hpp"

#include <algorithm>
#include <regex>

#include "tests/support/catch.hpp"

namespace nexus::test {
namespace {

/// `{"error":CODE,"message":TEXT,"retry_after_seconds":N,"details":{}}` and a line feed; N is there
/// where it is above 0.
const std::regex& envelope() {
  static const std::regex form(
      R"re(\{"error":"([a-z0-9_]+)","message":"(?:[^"\\]|\\.)+")re"
      R"re((?:,"retry_after_seconds":([1-9][0-9]*))?,"details":\{\}\}\n)re");
  return form;
}

void check_refusal(const cli::child_server& server, const refusal& one) {
  INFO(one.what);
  http_client client(server.port());
  auto headers = one.headers;
  if (!one.token.empty()) headers.emplace_back("Authorization", "Bearer " + one.token);
  const auto answer = client.request(one.method, one.target, headers, one.body);
  REQUIRE(answer);
  CHECK(answer->status == one.status);
  check_envelope(*answer, one.code);
  CHECK_FALSE(answer->header("WWW-Authenticate"));
  for (const auto& [name, value] : one.answer) {
    INFO(name);
    const auto header = answer->header(name);
    REQUIRE(header);
    if (!value.empty()) CHECK(*header == value);
  }
}

}  // namespace

void check_envelope(const http_answer& answer, const std::string& code) {
  INFO(answer.body);
  CHECK(answer.header("Content-Type") == "application/json");
  std::smatch found;
  REQUIRE(std::regex_match(answer.body, found, envelope()));
  CHECK(found[1] == code);
  CHECK(answer.header("Retry-After").value_or("") == found[2].str());
}

void check_refusals(const cli::child_server& server, const std::vector<refusal>& all) {
  for (const auto& one : all) check_refusal(server, one);
}

std::size_t logged_entries(const server_home& home) {
  const auto listed =
      run_program({NEXUS_PROGRAM, "wal", "export", "--dir", home.wal(), "--status", "all"});
  REQUIRE(listed.status == 0);
  return static_cast<std::size_t>(std::count(listed.out.begin(), listed.out.end(), '\n'));
}

}  // namespace nexus::test
