// Requests from pages of other origins in a browser (CORS). Off unless origins are configured.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace nexus::ingest {

/// Which origins may read answers. Credentials (cookies) are never allowed: tokens travel in a
/// header that the page sets itself. Any thread.
class cors_rules {
 public:
  cors_rules() = default;
  /// Origins as a browser sends them, "https://app.example.com"; "*": each.
  explicit cors_rules(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  bool enabled() const noexcept { return !origins_.empty(); }
  /// The answer to a preflight request from an allowed origin; nothing for every other request.
  std::optional<http::response> preflight(const http::request& request) const;
  /// What to give to add_headers for the answer to this request; empty: nothing has to be added.
  std::string origin_of(const http::request& request) const;
  /// Lets the page read the answer, if its origin is allowed.
  void add_headers(const std::string& origin, http::response& answer) const;

 private:
  bool allows(std::string_view origin) const noexcept;
  bool allows_all() const noexcept;

  std::vector<std::string> origins_;
};

}  // namespace nexus::ingest
