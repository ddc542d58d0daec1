#include "http/session.hpp"

#include <algorithm>
#include <boost/asio/write.hpp>
#include <utility>

#include "http/errors.hpp"
#include "http/response_text.hpp"

namespace nexus::http {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t idle_read_bytes = 4 * 1024;
constexpr std::size_t body_read_bytes = 64 * 1024;
/// Also bounds the line before a chunk, and the trailer: the parser wants them in one piece.
constexpr std::size_t buffer_bytes_min = 64 * 1024;
/// Beyond this the client is cut off although it may not have seen the answer yet.
constexpr std::size_t linger_bytes_max = 16 * 1024 * 1024;
/// However much the handler wants to read.
constexpr double body_seconds_max = 24 * 3600;
/// Memory that an idle connection may keep for its next answer.
constexpr std::size_t out_bytes_kept = 16 * 1024;

header_limits limits_of(const server_options& options) {
  return {options.header_bytes_max, options.headers_max, options.target_bytes_max};
}

std::string address_of(const tcp_socket& socket) {
  error_code ec;
  auto endpoint = socket.remote_endpoint(ec);
  if (ec) return "";
  net::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
  }
  return address.to_string();
}

}  // namespace

session::session(session_host& host, std::uint64_t id, tcp_socket socket)
    : host_(host),
      id_(id),
      socket_(std::move(socket)),
      peer_(address_of(socket_)),
      buffer_(std::max(buffer_bytes_min, host.options.header_bytes_max + idle_read_bytes)),
      reader_(limits_of(host.options)) {}

template <class Handler>
void session::stream_read(net::mutable_buffer into, Handler handler) {
  socket_.async_read_some(into, std::move(handler));
}

template <class Handler>
void session::stream_write(net::const_buffer bytes, Handler handler) {
  net::async_write(socket_, bytes, std::move(handler));
}

void session::stream_shut() {
  error_code ignored;  // of a connection that the client has reset: the next read says so
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

bool session::is_busy(phase value) {
  return value == phase::header || value == phase::interim || value == phase::body ||
         value == phase::pending || value == phase::writing;
}

void session::enter_untimed(phase next) {
  bool was_busy = is_busy(phase_);
  phase_ = next;
  deadline_ = steady_time::max();
  if (is_busy(next) == was_busy) return;
  if (was_busy) {
    if (--host_.busy == 0) host_.on_quiet();
  } else {
    ++host_.busy;
  }
}

void session::enter(phase next, std::chrono::milliseconds limit) {
  enter_untimed(next);
  deadline_ = std::chrono::steady_clock::now() + limit;
}

void session::start() {
  error_code ignored;  // without it answers come later, nothing else
  socket_.set_option(tcp::no_delay(true), ignored);
  // A client that connects and says nothing gets no more time than one that sends half a header.
  next_request(std::min(host_.options.header_timeout, host_.options.idle_timeout));
}

void session::turn_away(const refusal& reason) {
  refuse(reason);
}

void session::next_request(std::chrono::milliseconds idle_limit) {
  if (host_.draining) return close();
  reader_.reset();
  if (out_.capacity() > out_bytes_kept) std::string().swap(out_);  // `= {}` keeps the memory
  if (buffer_.size() > 0) {                                        // pipelined
    enter(phase::header, host_.options.header_timeout);
    return parse();
  }
  if (buffer_.capacity() > idle_read_bytes) buffer_.shrink_to_fit();
  enter(phase::idle, idle_limit);
  read();
}

void session::read() {
  std::size_t wanted = phase_ == phase::body ? body_read_bytes : idle_read_bytes;
  wanted = std::min(wanted, buffer_.max_size() - buffer_.size());
  reading_ = true;
  stream_read(
      buffer_.prepare(wanted),
      [self = session_ptr(this)](error_code ec, std::size_t bytes) { self->on_read(ec, bytes); });
}

void session::on_read(const error_code& ec, std::size_t bytes) {
  reading_ = false;
  // After a timeout the answer is being written while the read that took too long is still under
  // way.
  if (phase_ == phase::closed || phase_ == phase::writing) return;
  if (ec) return close();
  if (phase_ == phase::linger) {
    lingered_bytes_ += bytes;
    return lingered_bytes_ > linger_bytes_max ? close() : read();
  }
  buffer_.commit(bytes);
  if (phase_ == phase::idle) enter(phase::header, host_.options.header_timeout);
  parse();
}

void session::parse() {
  for (;;) {
    auto bytes = buffer_.cdata();
    buffer_.consume(reader_.feed({static_cast<const char*>(bytes.data()), bytes.size()}));
    switch (reader_.at()) {
      case request_reader::state::header:
      case request_reader::state::body:
        return on_incomplete();
      case request_reader::state::header_done:
        if (!on_header()) return;
        break;
      case request_reader::state::done:
        return dispatch();
      case request_reader::state::refused:
        return refuse(reader_.refused());
    }
  }
}

void session::on_incomplete() {
  if (buffer_.size() < buffer_.max_size()) return read();
  refuse({400, "bad_request", "the line before a chunk, or the trailer, is too long"});
}

/// False: the answer is under way, or a write that the body has to wait for.
bool session::on_header() {
  reader_.current().peer_address = peer_;
  head_ = reader_.current().method == "HEAD";
  header_decision decision = host_.door.on_header(reader_.current());
  if (decision.refuse) {
    refuse_at_header(*decision.refuse);
    return false;
  }
  reader_.current().context = std::move(decision.context);
  reader_.accept_body(decision.body_bytes_max);
  if (reader_.at() == request_reader::state::done) return true;
  begin_body(decision.body_bytes_max);
  if (!reader_.expects_continue() || buffer_.size() > 0) return true;
  write_continue();
  return false;
}

void session::begin_body(std::uint64_t bytes_max) {
  std::uint64_t expected = std::min(reader_.content_length().value_or(bytes_max), bytes_max);
  double rate =
      static_cast<double>(std::max<std::uint64_t>(host_.options.body_bytes_per_second_min, 1));
  double seconds = std::min(static_cast<double>(expected) / rate, body_seconds_max);
  enter(phase::body, host_.options.body_timeout +
                         std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

void session::refuse_at_header(const response& response) {
  // A body that has come along with its header is stepped over; one that is still on its way costs
  // the connection.
  reader_.skip_body();
  auto bytes = buffer_.cdata();
  buffer_.consume(reader_.feed({static_cast<const char*>(bytes.data()), bytes.size()}));
  write(response, reader_.keep_alive() && reader_.at() == request_reader::state::done);
}

void session::write_continue() {
  static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  steady_time deadline = deadline_;
  enter_untimed(phase::interim);
  deadline_ = deadline;
  stream_write(net::buffer(text), [self = session_ptr(this)](error_code ec, std::size_t) {
    if (self->phase_ == phase::closed) return;
    if (ec) return self->close();
    self->phase_ = phase::body;
    self->read();
  });
}

void session::dispatch() {
  request taken = reader_.take_request();
  keep_ = reader_.keep_alive() && !taken.body_truncated;
  enter_untimed(phase::pending);
  host_.door.on_request(std::move(taken), host_.answers->make_respond(id_));
}

void session::answer(const response& response) {
  if (phase_ == phase::pending) write(response, keep_);
}

void session::refuse(const refusal& reason) {
  host_.count_refused(reason.code);
  write(error_response(reason.status, reason.code, reason.message), false);
}

void session::write(const response& response, bool keep) {
  keep_ = keep && !response.close && !host_.draining;
  out_.clear();
  append_response(out_, response, {keep_, reader_.http_1_0(), head_, host_.date});
  enter(phase::writing, host_.options.write_timeout);
  stream_write(net::buffer(out_),
               [self = session_ptr(this)](error_code ec, std::size_t) { self->on_written(ec); });
}

void session::on_written(const error_code& ec) {
  if (phase_ == phase::closed) return;
  if (ec) return close();
  head_ = false;
  return keep_ ? next_request(host_.options.idle_timeout) : linger();
}

/// Closing with bytes unread makes the kernel send a reset, which can destroy the answer on its
/// way.
void session::linger() {
  enter(phase::linger, host_.options.linger_timeout);
  stream_shut();
  buffer_.clear();
  if (!reading_) read();
}

void session::on_expired() {
  if (phase_ == phase::header || phase_ == phase::body) {
    return refuse({408, "request_timeout", "the request did not arrive in time"});
  }
  close();
}

void session::close_if_idle() {
  if (phase_ == phase::idle) close();
}

void session::close() {
  if (phase_ == phase::closed) return;
  session_ptr self(this);
  enter_untimed(phase::closed);
  error_code ignored;  // the descriptor is gone in any case
  socket_.close(ignored);
  host_.sessions.erase(id_);
  host_.count_sessions();
}

}  // namespace nexus::http
