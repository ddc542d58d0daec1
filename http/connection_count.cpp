#include "http/connection_count.hpp"

namespace nexus::http {
namespace {

constexpr std::size_t network_bytes = 8;

template <class Bytes>
std::string to_string(const Bytes& bytes, std::size_t count) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

std::string connection_count::client_of(const boost::asio::ip::address& address) {
  if (address.is_v6()) return to_string(address.to_v6().to_bytes(), network_bytes);
  return to_string(address.to_v4().to_bytes(), address.to_v4().to_bytes().size());
}

connection_count::verdict connection_count::enter(const std::string& client) {
  if (connections_ >= max_) return verdict::full;
  const auto known = by_client_.find(client);
  if (known == by_client_.end()) {
    if (per_client_max_ == 0) return verdict::crowded;
    by_client_.emplace(client, 1);
  } else if (known->second >= per_client_max_) {
    return verdict::crowded;
  } else {
    ++known->second;
  }
  ++connections_;
  return verdict::admitted;
}

void connection_count::leave(const std::string& client) {
  const auto known = by_client_.find(client);
  if (known == by_client_.end()) return;
  if (--known->second == 0) by_client_.erase(known);
  --connections_;
}

}  // namespace nexus::http
