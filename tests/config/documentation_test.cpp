// docs/configuration.md must keep up with the keys and the codes.
#include <sstream>

#include "config/schema.hpp"
#include "tests/config/home.hpp"

using namespace nexus;

namespace {

/// The table row of a key: "| `daemon.port` | …"; empty if there is none.
std::string row_of(const std::string& page, std::string_view key) {
  const std::string start = "| `" + std::string(key) + "` |";
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(start)) return line;
  }
  return {};
}

}  // namespace

TEST_CASE("the page on configuration lists every key, and says which have no effect") {
  const std::string page = test::read_file(NEXUS_CONFIGURATION_PAGE);
  REQUIRE_FALSE(page.empty());
  for (const auto kind :
       {config::file_kind::daemon, config::file_kind::source, config::file_kind::destination}) {
    for (const config::key_info& key : config::known_keys(kind)) {
      const std::string row = row_of(page, key.path);
      INFO(key.path);
      CHECK_FALSE(row.empty());
      CHECK((row.find("no effect") == std::string::npos) == key.effective);
    }
  }
}

TEST_CASE("the page on configuration lists every code") {
  const std::string page = test::read_file(NEXUS_CONFIGURATION_PAGE);
  for (const char* code : {"missing_file",
                           "unreadable",
                           "syntax",
                           "wrong_type",
                           "out_of_range",
                           "bad_path",
                           "empty_key",
                           "unresolved_reference",
                           "missing_keyfile",
                           "missing_name",
                           "missing_type",
                           "unknown_mode",
                           "unknown_type",
                           "unknown_destination",
                           "duplicate_name",
                           "duplicate_key",
                           "invalid_cidr",
                           "oauth_issuer",
                           "oauth_key",
                           "oauth_clients",
                           "unknown_key",
                           "unknown_value",
                           "no_effect",
                           "literal_path",
                           "literal_key",
                           "dangerous_bind",
                           "missing_idempotency",
                           "unsafe_proxy_cidr",
                           "bad_key",
                           "missing_key",
                           "invalid_setting",
                           "conflicting_keys",
                           "duplicate_target",
                           "invalid_path",
                           "unknown_transform"}) {
    INFO(code);
    CHECK_FALSE(row_of(page, code).empty());
  }
}
