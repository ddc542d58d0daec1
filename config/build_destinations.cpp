// Each destination stands for itself: what is wrong with one is its `fault`, and the others work.
#include <algorithm>
#include <filesystem>

#include "config/build.hpp"

namespace nexus::config {
namespace {

/// What came of one file.
struct candidate {
  destination_config settings;
  std::vector<finding> findings;
  bool named = false;  ///< it says its name; else the file's name stands in for it
};

candidate build_one(const destination_file& file, const std::string& home,
                    const type_table& types) {
  candidate out;
  out.findings = file.findings;
  out.settings.where = {file.path};
  if (file.document) out.settings = build_destination(*file.document, home, types, out.findings);
  out.named = !out.settings.name.empty();
  if (!out.named) out.settings.name = std::filesystem::path(file.path).stem().string();
  return out;
}

/// The candidate before `end` that has the name already; null if there is none.
const candidate* first_of_name(const std::vector<candidate>& all, const candidate* end) {
  const auto same = [end](const candidate& one) {
    return one.named && one.settings.name == end->settings.name;
  };
  const candidate* found = std::find_if(all.data(), end, same);
  return found == end ? nullptr : found;
}

/// Whether it is a destination at all; if not because its name is taken, that is reported.
bool has_place(const std::vector<candidate>& all, candidate& one) {
  if (!one.named) {
    // Its own name is not known: that of another must not be taken for it.
    return std::none_of(all.begin(), all.end(), [&](const candidate& other) {
      return other.named && other.settings.name == one.settings.name;
    });
  }
  const candidate* first = first_of_name(all, &one);
  if (first == nullptr) return true;
  const location& at = first->settings.where;
  one.findings.push_back({severity::error, "duplicate_name",
                          "SCHEMA_ERROR: there is another destination named \"" +
                              one.settings.name + "\" at " + at.file + ':' +
                              std::to_string(at.line) + "; this one is not used",
                          one.settings.where});
  return false;
}

}  // namespace

std::string errors_of(const std::vector<finding>& findings) {
  std::string text;
  for (const finding& problem : findings) {
    if (problem.level != severity::error) continue;
    text += (text.empty() ? "" : "\n") + to_string(problem);
  }
  return text;
}

bool build_destinations(const file_set& files, const type_table& types, config& settings,
                        std::vector<finding>& findings) {
  std::vector<candidate> all;
  for (const destination_file& file : files.destinations) {
    all.push_back(build_one(file, settings.home, types));
  }
  if (all.empty()) {
    const std::string place = settings.home + "/destinations";
    all.push_back(
        build_one({place, implicit_destination(settings.home), {}}, settings.home, types));
  }
  bool usable = true;
  for (candidate& one : all) {
    const bool used = has_place(all, one);
    one.settings.fault = errors_of(one.findings);
    if (one.settings.required && !one.settings.fault.empty()) usable = false;
    findings.insert(findings.end(), one.findings.begin(), one.findings.end());
    // Copied: those that follow are compared with it.
    if (used) settings.destinations.push_back(one.settings);
  }
  return usable;
}

}  // namespace nexus::config
