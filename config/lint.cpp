#include "config/lint.hpp"

#include "config/lint_checks.hpp"
#include "config/reference.hpp"

namespace nexus::config {

std::vector<finding> lint(const std::string& home, const type_table& types) {
  std::vector<finding> findings;
  const auto full = absolute_path(home);
  if (!full.ok()) return {{severity::error, "bad_path", full.reason().text, {home}}};
  const file_set files = read_files(*full, findings);
  const draft_config made = build_draft(files, *full, types, findings);
  const lint_subject all{files, made.settings, types};
  if (files.daemon) lint_daemon(all, findings);
  for (std::size_t i = 0; i < files.sources.size(); ++i)
    lint_source(all, files.sources[i], made.settings.sources[i], findings);
  lint_keys(all, findings);
  return findings;
}

}  // namespace nexus::config
