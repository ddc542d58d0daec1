#include <algorithm>
#include <array>
#include <string_view>

#include "config/build.hpp"
#include "config/fields.hpp"
#include "config/schema.hpp"
#include "config/spelling.hpp"
#include "mapping/field_mapping.hpp"
#include "mapping/transform.hpp"

namespace nexus::config {
namespace {

constexpr std::int64_t ack_timeout_ms_most = 600'000;

bool is_known(const std::vector<std::string>& known, const std::string& word) {
  return std::find(known.begin(), known.end(), word) != known.end();
}

/// One key at least, in either of the two places.
void read_keys(fields& in, source_config& out) {
  constexpr std::string_view one = "source.api_key";
  constexpr std::string_view more = "source.api_keys";
  const value* list = in.find(more);
  const bool listed = list != nullptr && !list->children.empty();
  if (!listed || in.has(one)) out.api_keys.push_back(in.required_key(one, "empty_key"));
  if (!listed) return;
  for (const value& reference : list->children) {
    if (reference.kind != value_kind::string) continue;
    out.api_keys.push_back(in.required_key(reference, std::string(more), "empty_key"));
  }
}

void read_identity(fields& in, source_config& out) {
  out.name = in.text("source.name");
  const value* name = in.find("source.name");
  if (out.name.empty() && (name == nullptr || name->kind == value_kind::string)) {
    in.fail("missing_name", "source.name", "a source needs a name: name = \"…\" under [source]");
  }
  read_keys(in, out);
  out.name_space = in.text("source.namespace", out.name);
  out.can_read = in.flag("source.can_read", false);
  out.can_write = in.flag("source.can_write", false);
  out.default_profile = in.text("source.default_profile", out.default_profile);
  if (is_known(query_profiles, out.default_profile)) return;
  in.warn("unknown_value", "source.default_profile",
          "source.default_profile is \"" + out.default_profile +
              "\", which no client could ask for; known values: " + listed(query_profiles));
}

void read_targets(fields& in, const value& document, source_config& out) {
  constexpr std::string_view one_path = "source.target_destination";
  for (const value* target : named_targets(document)) {
    auto& all = out.target_destinations;
    if (std::find(all.begin(), all.end(), target->text) != all.end()) {
      in.fail("duplicate_target", target->key_at,
              "destination \"" + target->text + "\" is in target_destinations twice");
    } else {
      all.push_back(target->text);
    }
  }
  const std::string one = in.text(one_path);
  if (one.empty() || out.target_destinations == std::vector<std::string>{one}) return;
  in.fail("conflicting_keys", one_path,
          "source.target_destination and source.target_destinations say different things; keep one "
          "of them");
}

void read_ack(fields& in, source_config& out) {
  constexpr std::string_view path = "source.ack";
  const std::string word = in.word(path);
  if (word == "delivered") out.ack = ack_level::delivered;
  if (!word.empty() && word != "delivered" && word != "durable") {
    in.fail("unknown_value", path,
            std::string(path) + " is \"" + word + "\"; it can be durable or delivered");
  }
  out.ack_timeout = in.duration("source.ack_timeout_ms", out.ack_timeout, ack_timeout_ms_most);
}

void read_actor(fields& in, source_config& out) {
  out.default_actor_type = in.text("source.default_actor_type", out.default_actor_type);
  out.default_actor_id = in.text("source.default_actor_id");
  const std::string& type = out.default_actor_type;
  if (type != "user" && type != "agent" && type != "system") {
    in.warn("unknown_value", "source.default_actor_type",
            "source.default_actor_type is \"" + type +
                "\"; requests without an X-Actor-Type header will be refused: it must be user, "
                "agent or system");
  }
}

/// 0 is a window, too: for ever.
std::chrono::seconds read_window(fields& in, std::chrono::seconds when_absent) {
  constexpr std::string_view path = "source.idempotency.dedup_window_seconds";
  const value* found = in.find(path);
  if (found != nullptr && found->kind == value_kind::integer && found->integer == 0)
    return std::chrono::seconds{0};
  return std::chrono::seconds(in.positive(path, when_absent.count(), 315'360'000));
}

void read_limits(fields& in, source_config& out, std::int64_t rate_default) {
  out.requests_per_minute =
      in.positive("source.rate_limit.requests_per_minute", rate_default, 1'000'000'000);
  out.payload_bytes_max =
      in.positive("source.payload_limits.max_bytes", out.payload_bytes_max, std::int64_t{1} << 30);
  out.idempotency_enabled = in.flag("source.idempotency.enabled", false);
  out.dedup_window = read_window(in, out.dedup_window);
  const bool strict = in.flag("source.strict_idempotency", false);
  out.strict_idempotency = in.flag("source.idempotency.strict_idempotency", strict);
  out.require_content = in.flag("source.require_content", false);
}

/// A wrong path keeps nobody from starting: its field stays empty, as in v0.1.2.
void read_mapping(fields& in, source_config& out) {
  const value* mapping = in.find("source.mapping");
  if (mapping == nullptr) return;
  for (const value& field : mapping->children) {
    if (field.kind != value_kind::string) continue;
    out.mapping.emplace_back(field.key, field.text);
    if (const auto why = mapping::mapping_error(field.text)) {
      in.warn("invalid_path", field.where,
              "source.mapping." + field.key + " finds nothing: " + *why);
    }
  }
}

void check_transform(fields& in, const value& step) {
  if (mapping::is_transform(step.text)) return;
  constexpr std::array<std::string_view, 2> known{"trim", "coalesce"};
  const std::string meant = nearest_word(step.text, known);
  in.warn("unknown_transform", step.where,
          "transform \"" + step.text + "\" has no effect; " +
              (meant.empty()     ? "there are trim and coalesce:<default>"
               : meant == "trim" ? "did you mean \"trim\"?"
                                 : "did you mean \"coalesce:<default>\"?"));
}

void read_transforms(fields& in, source_config& out) {
  const value* transform = in.find("source.transform");
  if (transform == nullptr) return;
  for (const value& field : transform->children) {
    std::vector<std::string> steps;
    for (const value& step : field.children) {
      if (step.kind != value_kind::string) continue;
      check_transform(in, step);
      steps.push_back(step.text);
    }
    const bool mapped = std::any_of(out.mapping.begin(), out.mapping.end(),
                                    [&](const auto& one) { return one.first == field.key; });
    if (!mapped && !mapping::is_payload_field(field.key)) {
      in.warn("no_effect", field.key_at,
              "source.transform." + field.key + " has no effect: " + field.key +
                  " is neither mapped nor a field of the payload");
    }
    out.transform.emplace_back(field.key, std::move(steps));
  }
}

/// A list of which only some words say anything.
std::vector<std::string> read_words(fields& in, std::string_view path,
                                    const std::vector<std::string>& known) {
  auto words = in.list(path);
  for (const auto& word : words) {
    if (is_known(known, word)) continue;
    in.warn("unknown_value", path,
            std::string(path) + " has \"" + word +
                "\", which allows nothing; known values: " + listed(known));
  }
  return words;
}

void read_policy(fields& in, source_config& out) {
  out.policy.allowed_destinations = in.list("source.policy.allowed_destinations");
  out.policy.allowed_operations =
      read_words(in, "source.policy.allowed_operations", {"write", "read"});
  out.policy.allowed_retrieval_modes = in.list("source.policy.allowed_retrieval_modes");
  out.policy.allowed_profiles =
      read_words(in, "source.policy.allowed_profiles", query_profiles);
  out.policy.max_results = in.integer("source.policy.max_results", 0);
  out.policy.max_response_bytes = in.integer("source.policy.max_response_bytes", 0);
  const std::string tier = in.text("source.policy.retrieval_firewall.default_classification_tier",
                                   out.default_classification_tier);
  out.default_classification_tier =
      in.text("source.retrieval_firewall.default_classification_tier", tier);
}

}  // namespace

std::vector<const value*> named_targets(const value& document) {
  std::vector<const value*> out;
  const auto add = [&out](const value& target) {
    if (target.kind == value_kind::string) out.push_back(&target);
  };
  const value* list = document.find("source.target_destinations");
  if (list != nullptr && !list->children.empty()) {
    for (const value& element : list->children) add(element);
    return out;
  }
  const value* one = document.find("source.target_destination");
  if (one != nullptr && !one->text.empty()) add(*one);
  return out;
}

source_config build_source(const value& document, std::int64_t rate_default,
                           std::vector<finding>& findings) {
  check_keys(file_kind::source, document, findings);
  fields in(document, findings);
  source_config out;
  out.where = in.where("source.name");
  read_identity(in, out);
  read_targets(in, document, out);
  read_ack(in, out);
  read_actor(in, out);
  read_limits(in, out, rate_default);
  read_mapping(in, out);
  read_transforms(in, out);
  read_policy(in, out);
  return out;
}

}  // namespace nexus::config
