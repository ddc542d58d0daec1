// A home directory: daemon.toml, a source and a destination, with a byte 0x1E between them.
#include "config/lint.hpp"
#include "config/loader.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;

namespace {

config::type_table some_types() {
  config::type_table types;
  types["sqlite"].keys = {
      {.name = "db_path", .kind = core::setting_kind::path, .fallback = "memories.db"}};
  return types;
}

}  // namespace

void fuzz::run(std::string_view input) {
  static const test::temp_dir home;  // each run writes the same three files
  for (const auto* name : {"daemon.toml", "sources/a.toml", "destinations/d.toml"}) {
    const auto end = input.find('\x1e');
    test::write_file(home / name, std::string(input.substr(0, end)));
    input.remove_prefix(end == input.npos ? input.size() : end + 1);
  }
  static const auto types = some_types();
  const auto found = config::examine(home.path(), types);
  for (const auto& one : found.findings)
    require(!one.code.empty() && !one.message.empty(), "a finding says what it is about");
  if (!found.settings) require(config::has_errors(found.findings), "what cannot be used is told");
  const auto again = config::examine(home.path(), types);
  require(again.findings.size() == found.findings.size(), "the same files have the same findings");
  require(config::lint(home.path(), types).size() >= found.findings.size(), "lint says all of it");
}
