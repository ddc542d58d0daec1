// Where a request really came from (section 3.1 of the v0.1.2 behaviour).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "http/message.hpp"

namespace nexus::ingest {

/// The addresses of trusted proxies, and the headers in which they say for whom they ask. For logs
/// and security events only: nothing is allowed or refused by what a header says. Any thread.
class client_addresses {
 public:
  /// Ranges that are no ranges are left out: the loader has refused them.
  explicit client_addresses(const config::config& settings);

  /// The TCP peer's address. If that is a trusted proxy, then what the leftmost element of the
  /// first of the headers that is not empty says; unless that is no IP address: a header must not
  /// put any text into the log. Ports, brackets and the `for=` of `Forwarded` (RFC 7239) are taken
  /// off.
  std::string of(const http::request& request) const;

 private:
  /// IPv6, or IPv4 as ::ffff:a.b.c.d.
  using address = std::array<unsigned char, 16>;
  struct range {
    address first;
    unsigned bits;
  };
  bool trusts(const std::string& peer) const;

  std::vector<range> proxies_;
  std::vector<std::string> headers_;
};

}  // namespace nexus::ingest
