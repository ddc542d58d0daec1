#include "config/build.hpp"
#include "config/fields.hpp"
#include "config/schema.hpp"
#include "config/type_settings.hpp"

namespace nexus::config {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t linger_ms_most = 60'000;
constexpr std::int64_t batch_bytes_least = 1024;
constexpr std::int64_t batch_bytes_most = 256 * 1024 * 1024;

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

/// A wait that grows must not begin above its end. Both keys stand in `table`.
void check_growth(fields& in, const std::string& table, const std::string& first_key,
                  milliseconds first, const std::string& most_key, milliseconds most) {
  if (first <= most) return;
  in.fail("out_of_range", table + '.' + first_key,
          first_key + " (" + std::to_string(first.count()) + ") is above " + most_key + " (" +
              std::to_string(most.count()) + ')');
}

delivery_order read_ordering(fields& in) {
  constexpr std::string_view path = "destination.ordering";
  const std::string word = in.word(path);
  if (word == "source") return delivery_order::source;
  if (word == "subject") return delivery_order::subject;
  if (!word.empty() && word != "none") {
    in.fail("unknown_value", path,
            std::string(path) + " is \"" + word + "\"; it can be none, source or subject");
  }
  return delivery_order::none;
}

void read_batches(fields& in, destination_config& out) {
  out.workers = in.positive("destination.workers", 0, 256);
  out.batch_size = in.positive("destination.batch_size", out.batch_size, 100'000);
  out.batch_bytes =
      in.positive("destination.batch_bytes", out.batch_bytes, batch_bytes_most, batch_bytes_least);
  out.linger = in.duration("destination.linger_ms", out.linger, linger_ms_most);
  out.timeout = in.duration("destination.timeout_ms", out.timeout, hour_ms);
  out.ordering = read_ordering(in);
}

void read_retry(fields& in, destination_config& out) {
  out.max_attempts = in.positive("destination.max_attempts", out.max_attempts, 1'000'000);
  out.initial_backoff = in.duration("destination.initial_backoff_ms", out.initial_backoff, day_ms);
  out.max_backoff = in.duration("destination.max_backoff_ms", out.max_backoff, day_ms);
  check_growth(in, "destination", "initial_backoff_ms", out.initial_backoff, "max_backoff_ms",
               out.max_backoff);
}

void read_breaker(fields& in, breaker_config& out) {
  out.failure_threshold =
      in.positive("destination.breaker.failure_threshold", out.failure_threshold, 1'000);
  out.open = in.duration("destination.breaker.open_ms", out.open, day_ms);
  out.open_max = in.duration("destination.breaker.max_open_ms", out.open_max, day_ms);
  out.config_fault = in.duration("destination.breaker.config_fault_ms", out.config_fault, day_ms);
  check_growth(in, "destination.breaker", "open_ms", out.open, "max_open_ms", out.open_max);
}

value text_member(const char* key, const char* text, const location& where) {
  value out;
  out.key = key;
  out.key_at = out.where = where;
  out.kind = value_kind::string;
  out.text = text;
  return out;
}

}  // namespace

destination_config build_destination(const value& document, const std::string& home,
                                     const type_table& types, std::vector<finding>& findings) {
  fields in(document, findings);
  const auto type = types.find(in.text("destination.type"));
  const core::setting_schema* schema = type == types.end() ? nullptr : &type->second;
  check_destination_keys(document, schema, findings);

  destination_config out;
  out.where = in.where("destination.name");
  out.name = required(in, "destination.name", "missing_name");
  out.type = required(in, "destination.type", "missing_type");
  if (schema != nullptr) {
    out.values = read_type_settings(in, out.type, *schema, home);
  } else if (!out.type.empty()) {
    in.fail("unknown_type", "destination.type",
            "destination type \"" + out.type + "\" is unknown; known types: " + names(types));
  }
  read_batches(in, out);
  read_retry(in, out);
  read_breaker(in, out.breaker);
  out.required = in.flag("destination.required", out.required);
  return out;
}

value implicit_destination(const std::string& home) {
  const location where{home + "/destinations"};
  value table;
  table.key = "destination";
  table.key_at = table.where = where;
  table.children = {text_member("name", "sqlite", where), text_member("type", "sqlite", where)};
  value document;
  document.key_at = document.where = where;
  document.children.push_back(std::move(table));
  return document;
}

}  // namespace nexus::config
