#include <chrono>

#include "cli/commands.hpp"
#include "cli/destination_check.hpp"
#include "cli/home.hpp"
#include "cli/output.hpp"
#include "cli/wire.hpp"
#include "config/lint.hpp"
#include "config/loader.hpp"

namespace nexus::cli {
namespace {

constexpr std::chrono::seconds test_timeout{5};

/// What is wrong with destinations that can be made. What is wrong with a table is a finding
/// already.
void test_reachable(const std::string& home, const destinations::registry& types,
                    std::vector<config::finding>& findings) {
  const auto found = config::examine(home, type_table(types));
  if (!found.settings) return;
  std::vector<config::destination_config> sound;
  for (const auto& one : found.settings->destinations)
    if (one.fault.empty()) sound.push_back(one);
  for (const auto& one : test_destinations(sound, types, test_timeout)) {
    if (one.outcome || one.outcome.reason().code == core::errc::unsupported) continue;
    const bool mend = one.outcome.reason().code == core::errc::bad_config;
    findings.push_back(
        {config::severity::error, mend ? "destination_misconfigured" : "destination_unreachable",
         "destination \"" + one.which.name + "\": " + one.outcome.reason().text, one.which.where});
  }
}

std::string as_text(const std::vector<config::finding>& findings, const std::string& home) {
  if (findings.empty()) return "nothing to find fault with in " + home + "\n";
  std::string out;
  for (const auto& one : findings) out += config::to_string(one) + "\n";
  return out;
}

std::string as_json(const std::vector<config::finding>& findings) {
  std::string out = "[";
  for (const auto& one : findings) {
    if (out.size() > 1) out += ",\n ";
    config::append_json(out, one, one.where.file);
  }
  return out + "]\n";
}

}  // namespace

int command_lint(const lint_options& how, const destinations::registry& types) {
  const auto home = home_directory(how.home);
  if (!home) return fail(home.reason());
  auto findings = config::lint(*home, type_table(types));
  if (!how.offline) test_reachable(*home, types, findings);
  return answer(how.json ? as_json(findings) : as_text(findings, *home),
                config::has_errors(findings) ? 1 : 0);
}

}  // namespace nexus::cli
