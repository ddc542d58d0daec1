#include "destinations/registry.hpp"

#include <utility>

#include "destinations/http.hpp"
#include "destinations/jetstream.hpp"
#include "destinations/jsonl.hpp"
#include "destinations/plugin_loader.hpp"
#include "destinations/postgres.hpp"
#include "destinations/sqlite.hpp"
#include "destinations/supabase.hpp"

namespace nexus::destinations {

bool registry::add(const std::string& type, type_info info) {
  return types_.try_emplace(type, std::move(info)).second;
}

const type_info* registry::find(const std::string& type) const noexcept {
  const auto found = types_.find(type);
  return found == types_.end() ? nullptr : &found->second;
}

std::vector<std::string> registry::types() const {
  std::vector<std::string> names;
  for (const auto& [name, info] : types_) names.push_back(name);
  return names;
}

registry builtin_types() {
  registry types;
  types.add("http", http_type());
  types.add("jetstream", jetstream_type());
  types.add("jsonl", jsonl_type());
  types.add("openbrain", supabase_type());
  types.add("plugin", plugin_type());
  types.add("postgres", postgres_type());
  types.add("sqlite", sqlite_type());
  types.add("supabase", supabase_type());
  return types;
}

}  // namespace nexus::destinations
