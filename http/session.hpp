// One connection: reads a request, hands it to the handler, writes the answer, reads the next one.
// All of it runs on the I/O thread. Not a public header: it names Asio's types.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "http/message.hpp"
#include "http/request_reader.hpp"
#include "http/session_host.hpp"
#include "http/stream.hpp"

namespace nexus::http {

using steady_time = std::chrono::steady_clock::time_point;

class session : public boost::intrusive_ref_counter<session, boost::thread_unsafe_counter> {
 public:
  /// `id` is never used again, by no other session. `peer`: the client's address; `client`: what it
  /// is in the host's count.
  session(session_host& host, std::uint64_t id, tcp_socket socket, std::string peer,
          std::string client);

  // The host's map must hold the session before one of these three is called.

  /// Begins to serve, with TLS if there is a context; the host's count must have admitted it.
  void start(const tls_context& tls);
  /// Answers instead of serving, and closes.
  void turn_away(const refusal& reason);
  /// The answer of the handler has come.
  void answer(response content);

  /// See turns: it may read now.
  void on_turn();

  /// True once the present phase has lasted too long.
  bool expired(steady_time now) const { return now >= deadline_; }
  void on_expired();
  /// Closes if there is no request in progress; otherwise the answer to it is the last one.
  void end_soon();
  void close();

 private:
  enum class phase {
    handshake,  ///< agrees upon TLS
    idle,       ///< waits for the first byte of a request
    header,     ///< reads a header
    interim,    ///< writes 100 Continue
    body,       ///< reads a body
    waiting,    ///< reads nothing: the body has no room in memory
    pending,  ///< the handler has it; nothing is read, so that a client that sends on is held back
              ///< by TCP
    writing,  ///< writes an answer
    linger,   ///< the answer is out and the sending side shut; reads and drops what the client
              ///< still sends
    closed,
  };
  struct on_bytes_read;
  struct on_readable;
  struct on_bytes_written;
  static bool is_busy(phase value);

  // session.cpp: the way in.
  void enter(phase next, std::chrono::milliseconds limit);
  void enter_untimed(phase next);
  void on_handshake(const boost::system::error_code& ec);
  void next_request(std::chrono::milliseconds idle_limit);
  void read();
  std::size_t wanted_bytes() const;
  void take_turn();
  void read_now();
  bool take_in(const boost::system::error_code& ec, std::size_t bytes);
  void on_read(const boost::system::error_code& ec, std::size_t bytes);
  void parse();
  void on_incomplete();
  bool on_header();
  void begin_body(std::uint64_t bytes_max);
  std::chrono::milliseconds body_time(std::uint64_t bytes) const;
  void set_body_deadline();
  bool has_room(std::size_t more);
  void wait_for_room();
  void on_room();
  void end_share();
  void dispatch();

  // session_answer.cpp: the way out.
  void refuse(const refusal& reason);
  void refuse_at_header(response content);
  void write_continue();
  void write(response content, bool keep);
  void write_out();
  void on_written(const boost::system::error_code& ec);
  void linger();
  void read_and_drop();
  void on_dropped(std::size_t bytes);

  session_host& host_;
  std::uint64_t id_;
  stream stream_;
  std::string peer_;
  std::string client_;
  bool turned_away_ = false;
  boost::beast::flat_buffer buffer_;
  request_reader reader_;
  std::uint64_t body_bytes_ = 0;               ///< that the present body may have
  std::unique_ptr<body_budget::share> share_;  ///< of a body that is not small
  std::string out_;
  std::string rest_;  ///< what goes out after that: a large body
  phase phase_ = phase::idle;
  steady_time deadline_ = steady_time::max();
  steady_time waiting_since_{};
  steady_time body_end_{};  ///< when the present body must be there, however it comes
  turns::line* line_ = nullptr;  ///< its client's; null: it is not served
  bool readable_ = false;   ///< there is something to read, or the end
  bool reading_ = false;    ///< a read is under way: never start a second one
  bool head_ = false;       ///< of the request that is being answered
  bool heavy_ = false;      ///< on_header has called the request heavy
  bool keep_ = false;       ///< whether the connection outlives the present answer
  bool ends_soon_ = false;  ///< the next answer is the last one
  std::size_t lingered_bytes_ = 0;
};

}  // namespace nexus::http
