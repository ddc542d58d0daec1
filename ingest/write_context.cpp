#include "ingest/write_context.hpp"

#include <algorithm>

#include "http/errors.hpp"
#include "ingest/actor_type.hpp"
#include "ingest/write_answers.hpp"
#include "mapping/transform.hpp"

namespace nexus::ingest {
namespace {

std::vector<std::string> split_labels(std::string_view list) {
  std::vector<std::string> labels;
  while (!list.empty()) {
    const auto item = list.substr(0, list.find(','));
    list.remove_prefix(item.size() < list.size() ? item.size() + 1 : item.size());
    if (const auto label = mapping::trim(item); !label.empty()) labels.emplace_back(label);
  }
  return labels;
}

}  // namespace

std::string header_or(const http::request& request, std::string_view name,
                      std::string_view fallback) {
  const auto value = request.header(name);
  return std::string(value && !value->empty() ? *value : fallback);
}

std::string idempotency_key(const http::request& request) {
  return header_or(request, "Idempotency-Key",
                   request.header("X-Idempotency-Key").value_or(std::string_view()));
}

std::size_t entries_max(const config::limits_config& limits, const http::request& request,
                        std::size_t shared) {
  for (const auto name : {"Idempotency-Key", "X-Idempotency-Key", "X-Request-Id", "X-Subject",
                          "X-Actor-ID", "X-Sensitivity-Labels"})
    shared += request.header(name).value_or(std::string_view()).size();
  const auto most = static_cast<std::size_t>(limits.max_batch_entries);
  if (shared == 0) return most;
  const auto fitting = static_cast<std::size_t>(limits.max_batch_bytes) / shared;
  return std::clamp<std::size_t>(fitting, 1, most);
}

http::response too_many_entries_response(std::size_t most) {
  return http::error_response(413, "batch_too_large",
                              "a request with headers of this length may have " +
                                  std::to_string(most) + " entries; send several");
}

std::optional<http::response> read_context(services& house, const snapshot& config,
                                           const config::source_config& source,
                                           const http::request& request, write_context& out) {
  out.actor_type = header_or(request, "X-Actor-Type", source.default_actor_type);
  if (!is_actor_type(out.actor_type))
    return http::error_response(400, "invalid_actor_type",
                                "the actor type must be user, agent or system");
  out.classification_tier =
      mapping::trim(request.header("X-Classification-Tier").value_or(std::string_view()));
  if (out.classification_tier.empty()) out.classification_tier = source.default_classification_tier;
  if (!out.classification_tier.empty() && !config.knows_tier(out.classification_tier))
    return http::error_response(400, "invalid_classification_tier",
                                "the classification tier is not one of the configured tiers");
  out.request_id = header_or(request, "X-Request-Id", "");
  if (out.request_id.empty()) out.request_id = house.request_ids.next();
  out.subject = header_or(request, "X-Subject", source.name_space);
  out.actor_id = header_or(request, "X-Actor-ID", source.default_actor_id);
  out.sensitivity_labels =
      split_labels(request.header("X-Sensitivity-Labels").value_or(std::string_view()));
  return std::nullopt;
}

std::optional<http::response> read_context_of_whole(services& house, const snapshot& config,
                                                    const config::source_config& source,
                                                    const http::request& request,
                                                    std::int64_t bytes_max, write_context& out) {
  if (request.body_truncated) return body_too_large_response(static_cast<std::uint64_t>(bytes_max));
  return read_context(house, config, source, request, out);
}

}  // namespace nexus::ingest
