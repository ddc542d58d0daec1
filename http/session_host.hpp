// What the sessions of one server share. Not a public header: it names Asio's types.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/log.hpp"
#include "http/answer_queue.hpp"
#include "http/body_budget.hpp"
#include "http/connection_count.hpp"
#include "http/message.hpp"
#include "http/server.hpp"
#include "http/session_ptr.hpp"
#include "http/turns.hpp"
#include "http/worker.hpp"

namespace nexus::http {

/// I/O thread only. It outlives the sessions.
struct session_host {
  session_host(boost::asio::io_context& context, server_options chosen, handler& behind,
               core::logger_ptr logger)
      : options(std::move(chosen)),
        door(behind),
        log(std::move(logger)),
        heavy(behind),
        bodies(options.in_flight_bytes_max),
        count(options.connections_max, options.connections_per_address_max),
        reads(context) {}

  server_options options;
  handler& door;
  core::logger_ptr log;
  worker heavy;  ///< has the requests with large or compressed bodies
  std::shared_ptr<answer_queue> answers;
  body_budget bodies;
  connection_count count;  ///< of those that are served
  turns reads;             ///< of the same
  /// Every open session; this is what keeps one alive while its request is with the handler.
  std::unordered_map<std::uint64_t, session_ptr> sessions;
  std::size_t turned_away = 0;  ///< sessions that were told so, and linger
  /// Sessions between the first byte of a request and the last byte of its answer.
  std::size_t busy = 0;
  std::string date;                                     ///< of now, for the Date header
  std::function<void()> on_quiet;                       ///< `busy` has become 0
  std::function<void(std::string_view)> count_refused;  ///< by the reason's code
  std::function<void()> count_sessions;                 ///< `sessions` has changed
  std::function<void()> count_bodies;                   ///< `bodies` has changed
};

}  // namespace nexus::http
