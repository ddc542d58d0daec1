#include "cli/commands.hpp"
#include "cli/home.hpp"
#include "cli/output.hpp"
#include "cli/wire.hpp"
#include "config/lint.hpp"

namespace nexus::cli {

int command_lint(const lint_options& how, const destinations::registry& types) {
  const auto home = home_directory(how.home);
  if (!home) return fail(home.reason());
  const auto findings = config::lint(*home, type_table(types));
  for (const auto& one : findings) print(config::to_string(one) + "\n");
  if (findings.empty()) print("nothing to find fault with in " + *home + "\n");
  return config::has_errors(findings) ? 1 : 0;
}

}  // namespace nexus::cli
