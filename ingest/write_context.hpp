// What the headers of a write say: it holds for every entry that the request makes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

struct write_context {
  std::string request_id;
  std::string subject;
  std::string actor_type;
  std::string actor_id;
  std::vector<std::string> sensitivity_labels;
  std::string classification_tier;  ///< one of the configured ones, or empty
};

/// A header's value, or the fallback where it is absent or empty.
std::string header_or(const http::request& request, std::string_view name,
                      std::string_view fallback);

/// The client's key, empty if there is none.
std::string idempotency_key(const http::request& request);

/// Steps 5 and 13 to 16 of section 3.3. Fills `out`; or says what is wrong.
std::optional<http::response> read_context(services& house, const snapshot& config,
                                           const config::source_config& source,
                                           const http::request& request, write_context& out);

}  // namespace nexus::ingest
