#include "ingest/cors.hpp"

#include <algorithm>

namespace nexus::ingest {
namespace {

constexpr std::string_view methods = "GET, HEAD, POST, OPTIONS";
constexpr std::string_view seconds_to_remember = "600";
constexpr std::size_t header_names_bytes_max = 1024;

/// Whether it is a list of header names, which may be repeated in an answer.
bool is_list_of_names(std::string_view text) {
  constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_, ";
  return text.size() <= header_names_bytes_max &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

bool cors_rules::allows_all() const noexcept {
  return std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
}

bool cors_rules::allows(std::string_view origin) const noexcept {
  return allows_all() || std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
}

std::string cors_rules::origin_of(const http::request& request) const {
  if (!enabled()) return {};
  return std::string(request.header("Origin").value_or(std::string_view()));
}

std::optional<http::response> cors_rules::preflight(const http::request& request) const {
  if (!enabled() || request.method != "OPTIONS" || !request.header("Access-Control-Request-Method"))
    return std::nullopt;
  const std::string origin = origin_of(request);
  if (origin.empty() || !allows(origin)) return std::nullopt;
  http::response answer;
  answer.status = 204;
  answer.content_type.clear();
  add_headers(origin, answer);
  answer.headers.emplace_back("Access-Control-Allow-Methods", methods);
  const auto wanted = request.header("Access-Control-Request-Headers").value_or("");
  if (!wanted.empty() && is_list_of_names(wanted))
    answer.headers.emplace_back("Access-Control-Allow-Headers", wanted);
  answer.headers.emplace_back("Access-Control-Max-Age", seconds_to_remember);
  return answer;
}

void cors_rules::add_headers(const std::string& origin, http::response& answer) const {
  const bool all = allows_all();
  if (!all) answer.headers.emplace_back("Vary", "Origin");
  if (!allows(origin)) return;
  answer.headers.emplace_back("Access-Control-Allow-Origin", all ? "*" : origin);
  answer.headers.emplace_back("Access-Control-Expose-Headers", "Retry-After");
}

}  // namespace nexus::ingest
