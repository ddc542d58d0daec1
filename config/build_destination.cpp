#include <algorithm>

#include "config/build.hpp"
#include "config/fields.hpp"
#include "config/schema.hpp"

namespace nexus::config {
namespace {

constexpr std::int64_t backoff_ms_most = 86'400'000;

std::string names(const type_table& types) {
  std::string out;
  for (const auto& [name, keys] : types) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string required(fields& in, const std::string& path, const char* code) {
  std::string text = in.text(path);
  const value* found = in.find(path);
  if (text.empty() && (found == nullptr || found->kind == value_kind::string)) {
    in.fail(code, path, path + (found == nullptr ? " is missing" : " is empty"));
  }
  return text;
}

void read_delivery(fields& in, destination_config& out) {
  using std::chrono::milliseconds;
  out.workers = in.positive("destination.workers", 0, 256);
  out.batch_size = in.positive("destination.batch_size", out.batch_size, 100'000);
  out.max_attempts = in.positive("destination.max_attempts", out.max_attempts, 1'000'000);
  out.initial_backoff = milliseconds(
      in.positive("destination.initial_backoff_ms", out.initial_backoff.count(), backoff_ms_most));
  out.max_backoff = milliseconds(
      in.positive("destination.max_backoff_ms", out.max_backoff.count(), backoff_ms_most));
  if (out.initial_backoff > out.max_backoff) {
    in.fail("out_of_range", "destination.initial_backoff_ms",
            "initial_backoff_ms (" + std::to_string(out.initial_backoff.count()) +
                ") is above max_backoff_ms (" + std::to_string(out.max_backoff.count()) + ')');
  }
}

void read_values(fields& in, const core::setting_schema& type, destination_config& out) {
  for (const core::setting& key : type.keys) {
    const std::string path = "destination." + key.name;
    const value* found = in.find(path);
    if (found == nullptr || found->text.empty()) continue;
    if (key.kind == core::setting_kind::secret) {
      out.values[key.name] = std::string(in.required_key(path, "empty_key").reveal());
    } else if (key.kind == core::setting_kind::path) {
      out.values[key.name] = in.absolute(path, "");
    } else {
      out.values[key.name] = found->text;
    }
  }
}

void fill_in(destination_config& out, const std::string& home) {
  if (out.type == "sqlite") out.values.try_emplace("db_path", home + "/memories.db");
}

}  // namespace

destination_config build_destination(const value& document, const std::string& home,
                                     const type_table& types, std::vector<finding>& findings) {
  fields in(document, findings);
  const auto type = types.find(in.text("destination.type"));
  const core::setting_schema none;
  const core::setting_schema& schema = type == types.end() ? none : type->second;
  std::vector<std::string> names_of_keys;
  for (const auto& key : schema.keys) names_of_keys.push_back(key.name);
  check_keys(file_kind::destination, document, names_of_keys, findings);

  destination_config out;
  out.where = in.where("destination.name");
  out.name = required(in, "destination.name", "missing_name");
  out.type = required(in, "destination.type", "missing_type");
  if (!out.type.empty() && type == types.end()) {
    in.fail("unknown_type", "destination.type",
            "destination type \"" + out.type + "\" is unknown; known types: " + names(types));
  }
  read_delivery(in, out);
  read_values(in, schema, out);
  fill_in(out, home);
  return out;
}

destination_config implicit_destination(const std::string& home) {
  destination_config out;
  out.where.file = home + "/destinations";
  out.name = "sqlite";
  out.type = "sqlite";
  fill_in(out, home);
  return out;
}

}  // namespace nexus::config
