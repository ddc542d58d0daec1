// Shared by the two halves of a session. Not a public header.
#pragma once

#include <cstdint>

#include "http/session.hpp"

namespace nexus::http {

/// Where the server itself asks a client to come back.
constexpr std::int64_t retry_after_seconds = 5;

// Named, so that each is compiled once for plain connections and once for TLS.
struct session::on_bytes_read {
  session_ptr self;
  void operator()(const boost::system::error_code& ec, std::size_t bytes) const {
    self->on_read(ec, bytes);
  }
};
struct session::on_readable {
  session_ptr self;
  void operator()(const boost::system::error_code& ec) const {
    if (ec) return self->on_read(ec, 0);
    self->readable_ = true;
    self->take_turn();
  }
};
struct session::on_bytes_written {
  session_ptr self;
  void operator()(const boost::system::error_code& ec, std::size_t) const { self->on_written(ec); }
};

}  // namespace nexus::http
