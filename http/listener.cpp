#include "http/listener.hpp"

#include <fmt/format.h>

#include <boost/asio/ip/v6_only.hpp>
#include <string_view>
#include <utility>

namespace nexus::http {
namespace {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using boost::system::error_code;

/// What the system keeps at most of answers that a client does not read, its connections each; it
/// takes twice as much memory for that. By itself it would take up to 4 MB: thousands of such
/// connections would cost gigabytes, and the time to copy them.
constexpr int unread_bytes_max = 128 * 1024;

core::result<tcp::endpoint> resolve(net::io_context& context, const std::string& bind,
                                    std::uint16_t port) {
  if (bind.empty()) return tcp::endpoint(tcp::v6(), port);
  error_code ec;
  net::ip::address address = net::ip::make_address(bind, ec);
  if (!ec) return tcp::endpoint(address, port);
  auto found = tcp::resolver(context).resolve(bind, std::to_string(port), ec);
  if (ec || found.empty()) {
    return core::error{
        core::errc::io_failed,
        fmt::format("cannot listen on {}:{}: {}; set daemon.bind to an IP address of "
                    "this machine, or to a name that resolves to one",
                    bind, port, ec.message())};
  }
  return found.begin()->endpoint();
}

std::string_view advice(const error_code& ec) {
  if (ec == net::error::address_in_use) {
    return "another program is listening on it; stop it or set daemon.port";
  }
  if (ec == net::error::access_denied) {
    return "this user may not use that port; set daemon.port above 1023";
  }
  if (ec == boost::system::errc::address_not_available) {
    return "no network interface has this address; set daemon.bind to one that exists";
  }
  return "set daemon.bind and daemon.port to an address that this machine can listen on";
}

error_code listen_on(tcp_acceptor& acceptor, const tcp::endpoint& where, bool both_families) {
  error_code ec;
  acceptor.open(where.protocol(), ec);
  // So that a restart need not wait for old connections to time out. Never SO_REUSEPORT: a
  // forgotten second process would silently take part of the requests.
  if (!ec) acceptor.set_option(net::socket_base::reuse_address(true), ec);
  if (!ec && both_families) acceptor.set_option(net::ip::v6_only(false), ec);
  if (!ec) acceptor.set_option(net::socket_base::send_buffer_size(unread_bytes_max), ec);
  if (!ec) acceptor.bind(where, ec);
  if (!ec) acceptor.non_blocking(true, ec);
  if (!ec) acceptor.listen(net::socket_base::max_listen_connections, ec);
  return ec;
}

}  // namespace

core::result<tcp_acceptor> open_listener(net::io_context& context, const std::string& bind,
                                         std::uint16_t port) {
  auto where = resolve(context, bind, port);
  if (!where.ok()) return where.reason();
  tcp_acceptor acceptor(context.get_executor());
  error_code ec = listen_on(acceptor, *where, bind.empty());
  if (ec == net::error::address_family_not_supported && bind.empty()) {  // a machine without IPv6
    where = tcp::endpoint(tcp::v4(), port);
    ec = listen_on(acceptor, *where, false);
  }
  if (!ec) return acceptor;
  std::string address = where->address().to_string();
  if (where->address().is_v6()) address = "[" + address + "]";
  return core::error{core::errc::io_failed, fmt::format("cannot listen on {}:{}: {}: {}", address,
                                                        port, ec.message(), advice(ec))};
}

}  // namespace nexus::http
