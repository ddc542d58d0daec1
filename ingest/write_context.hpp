// What the headers of a write say: it holds for every entry that the request makes.
#pragma once

#include <cstddef>
#include <cstdint>
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

/// How many entries a request may make: as many as the limits say for a batch, but fewer where the
/// copies that each of them gets of the client's headers would be longer, all together, than a
/// batch may be. `shared`: bytes of the body that each of them gets, too. At least 1.
std::size_t entries_max(const config::limits_config& limits, const http::request& request,
                        std::size_t shared = 0);

/// 413 for a request with more than that.
http::response too_many_entries_response(std::size_t most);

/// Steps 5 and 13 to 16 of section 3.3. Fills `out`; or says what is wrong.
std::optional<http::response> read_context(services& house, const snapshot& config,
                                           const config::source_config& source,
                                           const http::request& request, write_context& out);

/// The same for a body that is of no use if it is not whole: 413 where it was longer than
/// `bytes_max`.
std::optional<http::response> read_context_of_whole(services& house, const snapshot& config,
                                                    const config::source_config& source,
                                                    const http::request& request,
                                                    std::int64_t bytes_max, write_context& out);

}  // namespace nexus::ingest
