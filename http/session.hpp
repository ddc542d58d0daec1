// One connection: reads a request, hands it to the handler, writes the answer, reads the next one.
// All of it runs on the I/O thread. Not a public header: it names Asio's types.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "http/answer_queue.hpp"
#include "http/message.hpp"
#include "http/request_reader.hpp"
#include "http/server.hpp"

namespace nexus::http {

class session;
using session_ptr = boost::intrusive_ptr<session>;
using steady_time = std::chrono::steady_clock::time_point;
/// With the concrete executor: the type-erased one costs two allocations an operation.
using tcp_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// What the sessions of one server share; I/O thread only. It outlives them.
struct session_host {
  session_host(server_options chosen, handler& behind) : options(std::move(chosen)), door(behind) {}

  server_options options;
  handler& door;
  std::shared_ptr<answer_queue> answers;
  /// Every open session; this is what keeps one alive while its request is with the handler.
  std::unordered_map<std::uint64_t, session_ptr> sessions;
  std::size_t busy =
      0;  ///< sessions between the first byte of a request and the last byte of its answer
  bool draining = false;
  std::string date;                                     ///< of now, for the Date header
  std::function<void()> on_quiet;                       ///< `busy` has become 0
  std::function<void(std::string_view)> count_refused;  ///< by the reason's code
  std::function<void()> count_sessions;                 ///< `sessions` has changed
};

class session : public boost::intrusive_ref_counter<session, boost::thread_unsafe_counter> {
 public:
  /// `id` is never used again, by no other session.
  session(session_host& host, std::uint64_t id, tcp_socket socket);

  /// Begins to serve; the host's map must hold the session.
  void start();
  /// Answers instead of serving, and closes.
  void turn_away(const refusal& reason);
  /// The answer of the handler has come.
  void answer(const response& response);
  /// True once the present phase has lasted too long.
  bool expired(steady_time now) const { return now >= deadline_; }
  void on_expired();
  /// Closes if there is no request in progress.
  void close_if_idle();
  void close();

 private:
  enum class phase {
    idle,     ///< waits for the first byte of a request
    header,   ///< reads a header
    interim,  ///< writes 100 Continue
    body,     ///< reads a body
    pending,  ///< the handler has it; nothing is read, so that a client that sends on is held back
              ///< by TCP
    writing,  ///< writes an answer
    linger,  ///< the answer is out and the sending side shut; reads and drops what the client still
             ///< sends
    closed,
  };
  static bool is_busy(phase value);

  void enter(phase next, std::chrono::milliseconds limit);
  void enter_untimed(phase next);
  void next_request(std::chrono::milliseconds idle_limit);
  void read();
  void on_read(const boost::system::error_code& ec, std::size_t bytes);
  void parse();
  void on_incomplete();
  bool on_header();
  void begin_body(std::uint64_t bytes_max);
  void refuse_at_header(const response& response);
  void write_continue();
  void dispatch();
  void refuse(const refusal& reason);
  void write(const response& response, bool keep);
  void on_written(const boost::system::error_code& ec);
  void linger();

  // Where TLS comes in: the only places that touch the stream.
  template <class Handler>
  void stream_read(boost::asio::mutable_buffer into, Handler handler);
  template <class Handler>
  void stream_write(boost::asio::const_buffer bytes, Handler handler);
  void stream_shut();

  session_host& host_;
  std::uint64_t id_;
  tcp_socket socket_;
  std::string peer_;
  boost::beast::flat_buffer buffer_;
  request_reader reader_;
  std::string out_;
  phase phase_ = phase::idle;
  steady_time deadline_ = steady_time::max();
  bool reading_ = false;  ///< a read is under way: never start a second one
  bool head_ = false;     ///< of the request that is being answered
  bool keep_ = false;     ///< whether the connection outlives the present answer
  std::size_t lingered_bytes_ = 0;
};

}  // namespace nexus::http
