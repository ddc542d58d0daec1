// Opens the listening socket. Not a public header: it names Asio's types.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace nexus::http {

// With the concrete executor: the type-erased one costs two allocations an operation.
using tcp_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using tcp_acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                                        boost::asio::io_context::executor_type>;

/// Listens on `bind` (IP address, host name, or empty for all interfaces) and `port`. Error:
/// `io_failed`, as a sentence for the person who has to change something.
core::result<tcp_acceptor> open_listener(boost::asio::io_context& context, const std::string& bind,
                                         std::uint16_t port);

}  // namespace nexus::http
