#include "ingest/client_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "mapping/transform.hpp"

namespace nexus::ingest {
namespace {

using bytes_of_address = std::array<unsigned char, 16>;

constexpr std::array<unsigned char, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const bytes_of_address& of) {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), of.begin());
}

std::optional<bytes_of_address> parse_address(const std::string& text) {
  bytes_of_address out{};
  if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
  std::copy(v4_prefix.begin(), v4_prefix.end(), out.begin());
  if (::inet_pton(AF_INET, text.c_str(), out.data() + v4_prefix.size()) == 1) return out;
  return std::nullopt;
}

std::string to_text(const bytes_of_address& of) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = is_v4(of);
  ::inet_ntop(v4 ? AF_INET : AF_INET6, of.data() + (v4 ? v4_prefix.size() : 0), text.data(),
              text.size());
  return text.data();
}

bool is_in(const bytes_of_address& what, const bytes_of_address& first, unsigned bits) {
  if (is_v4(what) && bits < 8 * v4_prefix.size()) return false;  // ::/0 is about IPv6
  if (std::memcmp(what.data(), first.data(), bits / 8) != 0) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xff00U >> bits % 8;
  return ((what[bits / 8] ^ first[bits / 8]) & mask & 0xffU) == 0;
}

/// `for=…` out of an element of the header `Forwarded`; else the element itself.
std::string_view without_parameters(std::string_view element) {
  constexpr std::string_view name = "for=";
  std::string_view rest = element;
  while (!rest.empty()) {
    const auto end = rest.find(';');
    const auto part = mapping::trim(rest.substr(0, end));
    const bool is_for =
        part.size() >= name.size() && std::equal(name.begin(), name.end(), part.begin(),
                                                 [](char a, char b) { return a == (b | 0x20); });
    if (is_for) return part.substr(name.size());
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return element;
}

/// `"[::1]:8"`, `1.2.3.4:567` and the like, without quotes, brackets and port.
std::string_view without_port(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
  }
  const auto colon = text.find(':');
  const bool one_colon = colon != std::string_view::npos && text.rfind(':') == colon;
  return one_colon ? text.substr(0, colon) : text;
}

/// The client that a forwarded header speaks of; nothing if that is no address.
std::optional<bytes_of_address> client_in(std::string_view header) {
  const auto leftmost = mapping::trim(header.substr(0, header.find(',')));
  return parse_address(std::string(without_port(without_parameters(leftmost))));
}

}  // namespace

client_addresses::client_addresses(const config::config& settings)
    : headers_(settings.forwarded_headers) {
  for (const std::string& cidr : settings.trusted_proxy_cidrs) {
    const auto slash = cidr.find('/');
    const auto first = parse_address(cidr.substr(0, slash));
    unsigned bits = 0;
    if (!first || slash == std::string::npos ||
        std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), bits).ec != std::errc())
      continue;
    // Written as IPv4, the bits count from behind the prefix.
    if (cidr.find(':') == std::string::npos) bits += 96;
    if (bits <= 128) proxies_.push_back({*first, bits});
  }
}

bool client_addresses::trusts(const std::string& peer) const {
  const auto from = parse_address(peer);
  return from && std::any_of(proxies_.begin(), proxies_.end(),
                             [&](const range& one) { return is_in(*from, one.first, one.bits); });
}

std::string client_addresses::of(const http::request& request) const {
  if (headers_.empty() || !trusts(request.peer_address)) return request.peer_address;
  for (const std::string& name : headers_) {
    const auto value = mapping::trim(request.header(name).value_or(std::string_view()));
    if (value.empty()) continue;
    const auto client = client_in(value);
    return client ? to_text(*client) : request.peer_address;
  }
  return request.peer_address;
}

}  // namespace nexus::ingest
