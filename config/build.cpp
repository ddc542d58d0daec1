#include "config/build.hpp"

#include <algorithm>

namespace nexus::config {
namespace {

std::string at(const location& where) {
  return where.file + ':' + std::to_string(where.line);
}

void fail(std::vector<finding>& findings, const char* code, const std::string& message,
          const location& where) {
  findings.push_back({severity::error, code, "SCHEMA_ERROR: " + message, where});
}

/// `Item` is a source or a destination.
template <class Item>
void check_names(const std::vector<Item>& items, const std::string& what,
                 std::vector<finding>& findings) {
  for (auto item = items.begin(); item != items.end(); ++item) {
    const auto first = std::find_if(items.begin(), item, [&](const Item& other) {
      return !item->name.empty() && other.name == item->name;
    });
    if (first == item) continue;
    fail(findings, "duplicate_name",
         "there is another " + what + " named \"" + item->name + "\" at " + at(first->where),
         item->where);
  }
}

location key_place(const value& document) {
  const value* key = document.find("source.api_key");
  return key != nullptr ? key->key_at : document.where;
}

/// The same reference twice is a mistake even where it leads to nothing yet.
bool same_key(const value& a, const source_config& a_settings, const value& b,
              const source_config& b_settings) {
  const value* a_key = a.find("source.api_key");
  const value* b_key = b.find("source.api_key");
  if (a_key && b_key && !a_key->text.empty() && a_key->text == b_key->text) return true;
  return !a_settings.api_key.empty() && a_settings.api_key.reveal() == b_settings.api_key.reveal();
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

void check_targets(const file_set& files, const config& settings, std::vector<finding>& findings) {
  std::string names;
  for (const destination_config& destination : settings.destinations) {
    names += (names.empty() ? "" : ", ") + destination.name;
  }
  for (std::size_t i = 0; i < settings.sources.size(); ++i) {
    const auto& targets = settings.sources[i].target_destinations;
    const std::string target = targets.empty() ? "" : targets.front();
    const auto& all = settings.destinations;
    const bool defined = std::any_of(all.begin(), all.end(),
                                     [&](const auto& known) { return known.name == target; });
    const value* key = files.sources[i].find("source.target_destination");
    if (defined || key == nullptr || target.empty()) continue;
    fail(findings, "unknown_destination",
         "there is no destination \"" + target + "\"; there are: " + names, key->key_at);
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

void build_destinations(const file_set& files, const type_table& types, config& settings,
                        std::vector<finding>& findings) {
  for (const value& document : files.destinations) {
    settings.destinations.push_back(build_destination(document, settings.home, types, findings));
  }
  if (settings.destinations.empty()) {
    settings.destinations.push_back(implicit_destination(settings.home));
  }
  check_names(settings.destinations, "destination", findings);
}

}  // namespace

std::optional<config> build(const file_set& files, const std::string& home, const type_table& types,
                            std::vector<finding>& findings) {
  config settings;
  settings.home = home;
  if (files.daemon) settings = build_daemon(*files.daemon, home, findings);
  for (const value& document : files.sources) {
    settings.sources.push_back(
        build_source(document, settings.global_requests_per_minute, findings));
  }
  check_names(settings.sources, "source", findings);
  check_source_keys(files.sources, settings.sources, findings);
  check_tiers(settings, findings);
  build_destinations(files, types, settings, findings);
  if (files.destinations_complete) check_targets(files, settings, findings);
  if (has_errors(findings)) return std::nullopt;
  for (source_config& source : settings.sources) {
    if (source.target_destinations.empty()) {
      source.target_destinations.push_back(settings.destinations.front().name);
    }
  }
  return settings;
}

}  // namespace nexus::config
