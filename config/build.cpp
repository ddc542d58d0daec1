#include "config/build.hpp"

#include <algorithm>

#include "config/fields.hpp"

namespace nexus::config {
namespace {

std::string at(const location& where) {
  return where.file + ':' + std::to_string(where.line);
}

void fail(std::vector<finding>& findings, const char* code, const std::string& message,
          const location& where) {
  findings.push_back({severity::error, code, "SCHEMA_ERROR: " + message, where});
}

void check_source_names(const std::vector<source_config>& sources, std::vector<finding>& findings) {
  for (auto item = sources.begin(); item != sources.end(); ++item) {
    const auto first = std::find_if(sources.begin(), item, [&](const source_config& other) {
      return !item->name.empty() && other.name == item->name;
    });
    if (first == item) continue;
    fail(findings, "duplicate_name",
         "there is another source named \"" + item->name + "\" at " + at(first->where),
         item->where);
  }
}

/// The references to a source's keys, each with its place.
std::vector<const value*> key_references(const value& document) {
  std::vector<const value*> out;
  const auto add = [&out](const value& reference) {
    if (reference.kind == value_kind::string && !reference.text.empty()) out.push_back(&reference);
  };
  if (const value* one = document.find("source.api_key")) add(*one);
  if (const value* more = document.find("source.api_keys"))
    for (const value& reference : more->children) add(reference);
  return out;
}

location key_place(const value& document) {
  const auto all = key_references(document);
  return all.empty() ? document.where : all.front()->key_at;
}

bool share_key(const source_config& a, const source_config& b) {
  return std::any_of(a.api_keys.begin(), a.api_keys.end(), [&b](const secret& key) {
    return !key.empty() &&
           std::any_of(b.api_keys.begin(), b.api_keys.end(),
                       [&](const auto& other) { return other.reveal() == key.reveal(); });
  });
}

/// The same reference twice is a mistake even where it leads to nothing yet.
bool same_key(const value& a, const source_config& a_settings, const value& b,
              const source_config& b_settings) {
  for (const value* a_key : key_references(a))
    for (const value* b_key : key_references(b))
      if (a_key->text == b_key->text) return true;
  return share_key(a_settings, b_settings);
}

/// `documents` and `sources` run in step.
void check_source_keys(const std::vector<value>& documents,
                       const std::vector<source_config>& sources, std::vector<finding>& findings) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!same_key(documents[i], sources[i], documents[j], sources[j])) continue;
      fail(findings, "duplicate_key",
           "source \"" + sources[i].name + "\" has the same api_key as source \"" +
               sources[j].name + "\" at " + at(key_place(documents[j])) +
               "; each source needs a key of its own",
           key_place(documents[i]));
      break;
    }
  }
}

/// A destination that some source names, and that may be in one of the files that cannot be read:
/// its entries wait until that file is mended.
destination_config unread_destination(const file_set& files, const std::string& name) {
  destination_config out;
  out.name = name;
  for (const destination_file& file : files.destinations) {
    if (file.document) continue;
    out.where = {file.path};
    out.fault += (out.fault.empty() ? "" : "\n") + errors_of(file.findings);
  }
  return out;
}

std::string names_of(const std::vector<destination_config>& destinations) {
  std::vector<std::string> names;
  for (const destination_config& destination : destinations) names.push_back(destination.name);
  return listed(names);
}

/// Otherwise any name may be that of a destination in a file that is not TOML.
bool all_read(const file_set& files) {
  return std::all_of(files.destinations.begin(), files.destinations.end(),
                     [](const auto& file) { return file.document.has_value(); });
}

void check_targets(const file_set& files, config& settings, std::vector<finding>& findings) {
  auto& all = settings.destinations;
  const std::string names = names_of(all);
  for (const value& source : files.sources) {
    for (const value* target : named_targets(source)) {
      const bool defined = std::any_of(
          all.begin(), all.end(), [&](const auto& known) { return known.name == target->text; });
      if (defined) continue;
      if (!all_read(files)) {
        all.push_back(unread_destination(files, target->text));
        continue;
      }
      fail(findings, "unknown_destination",
           "there is no destination \"" + target->text + "\"; there are: " + names, target->key_at);
    }
  }
}

/// The policy's destinations are names to compare with, and nothing else needs them: v0.1.2 only
/// looks at them when it builds its policies.
void check_policies(const file_set& files, const config& settings, std::vector<finding>& findings) {
  if (!all_read(files)) return;
  const auto& all = settings.destinations;
  for (const value& source : files.sources) {
    const value* allowed = source.find("source.policy.allowed_destinations");
    if (allowed == nullptr) continue;
    for (const value& name : allowed->children) {
      if (name.kind != value_kind::string) continue;
      if (std::any_of(all.begin(), all.end(), [&](auto& one) { return one.name == name.text; }))
        continue;
      findings.push_back({severity::warning, "unknown_value",
                          "source.policy.allowed_destinations has \"" + name.text +
                              "\", which is no destination; there are: " + names_of(all),
                          name.key_at});
    }
  }
}

void check_tiers(const config& settings, std::vector<finding>& findings) {
  const auto& tiers = settings.tier_order;
  for (const source_config& source : settings.sources) {
    const std::string& tier = source.default_classification_tier;
    if (std::find(tiers.begin(), tiers.end(), tier) != tiers.end()) continue;
    findings.push_back({severity::warning, "unknown_value",
                        "default_classification_tier is \"" + tier +
                            "\", which is not in tier_order; requests without an "
                            "X-Classification-Tier header will be refused",
                        source.where});
  }
}

}  // namespace

draft_config build_draft(const file_set& files, const std::string& home, const type_table& types,
                         std::vector<finding>& findings) {
  draft_config out;
  config& settings = out.settings;
  settings.home = home;
  if (files.daemon) settings = build_daemon(*files.daemon, home, findings);
  for (const value& document : files.sources) {
    settings.sources.push_back(
        build_source(document, settings.global_requests_per_minute, findings));
  }
  check_source_names(settings.sources, findings);
  check_source_keys(files.sources, settings.sources, findings);
  check_tiers(settings, findings);
  std::vector<finding> of_targets;
  out.usable = !has_errors(findings);
  out.usable = build_destinations(files, types, settings, findings) && out.usable;
  if (files.destinations_listed) {
    check_targets(files, settings, of_targets);
    check_policies(files, settings, of_targets);
  }
  findings.insert(findings.end(), of_targets.begin(), of_targets.end());
  if (has_errors(of_targets)) out.usable = false;
  for (source_config& source : settings.sources) {
    if (source.target_destinations.empty() && !settings.destinations.empty()) {
      source.target_destinations.push_back(settings.destinations.front().name);
    }
  }
  return out;
}

std::optional<config> build(const file_set& files, const std::string& home, const type_table& types,
                            std::vector<finding>& findings) {
  draft_config made = build_draft(files, home, types, findings);
  if (!made.usable) return std::nullopt;
  return std::move(made.settings);
}

}  // namespace nexus::config
