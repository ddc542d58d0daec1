#include "http/session.hpp"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <boost/asio/ssl/error.hpp>
#include <utility>

#include "http/session_io.hpp"

namespace nexus::http {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t idle_read_bytes = 4 * 1024;
constexpr std::size_t body_read_bytes = 64 * 1024;
/// Also bounds the line before a chunk, and the trailer: the parser wants them in one piece.
constexpr std::size_t buffer_bytes_min = 64 * 1024;
/// However much the handler wants to read.
constexpr double body_seconds_max = 24 * 3600;
/// Memory that an idle connection may keep for its next answer.
constexpr std::size_t out_bytes_kept = 16 * 1024;
/// Bodies up to this size have their room without asking: what they take together is bounded by the
/// number of connections, and no heap of large bodies holds them up.
constexpr std::size_t small_body_bytes_max = 16 * 1024;

header_limits limits_of(const server_options& options) {
  return {options.header_bytes_max, options.headers_max, options.target_bytes_max};
}

/// A GET or POST where the first byte of TLS should be.
bool is_plain_http(const error_code& ec) {
  return ec.category() == net::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_HTTP_REQUEST;
}

}  // namespace

session::session(session_host& host, std::uint64_t id, tcp_socket socket, std::string peer,
                 std::string client)
    : host_(host),
      id_(id),
      stream_(std::move(socket)),
      peer_(std::move(peer)),
      client_(std::move(client)),
      buffer_(std::max(buffer_bytes_min, host.options.header_bytes_max + idle_read_bytes)),
      reader_(limits_of(host.options)) {}

bool session::is_busy(phase value) {
  return value == phase::header || value == phase::interim || value == phase::body ||
         value == phase::waiting || value == phase::pending || value == phase::writing;
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
  deadline_ = steady_clock::now() + limit;
}

void session::start(const tls_context& tls) {
  error_code ignored;  // without it answers come later, nothing else
  stream_.socket().set_option(net::ip::tcp::no_delay(true), ignored);
  line_ = &host_.reads.enter(client_);
  // A client that connects and says nothing gets no more time than one that sends half a header.
  const auto limit = std::min(host_.options.header_timeout, host_.options.idle_timeout);
  if (!tls) return next_request(limit);
  if (!stream_.secure(tls)) return close();
  enter(phase::handshake, limit);
  stream_.handshake([self = session_ptr(this)](error_code ec) { self->on_handshake(ec); });
}

void session::on_handshake(const error_code& ec) {
  if (phase_ == phase::closed) return;
  if (!ec) return next_request(std::min(host_.options.header_timeout, host_.options.idle_timeout));
  stream_.give_up_tls();
  if (is_plain_http(ec))
    return refuse({400, "tls_required", "this port speaks TLS only: use https://"});
  // Those who only look whether somebody listens end here; there is nothing to tell them.
  if (ec == net::error::eof || ec == net::ssl::error::stream_truncated) return close();
  host_.count_refused("tls_handshake_failed");
  host_.log->debug("no TLS with " + peer_ + ": " + ec.message());
  linger();
}

void session::next_request(std::chrono::milliseconds idle_limit) {
  reader_.reset();
  if (out_.capacity() > out_bytes_kept) std::string().swap(out_);  // `= {}` keeps the memory
  if (buffer_.size() > 0) {                                        // pipelined
    enter(phase::header, host_.options.header_timeout);
    return take_turn();
  }
  if (buffer_.capacity() > idle_read_bytes) buffer_.shrink_to_fit();
  enter(phase::idle, idle_limit);
  read();
}

/// Through TLS it costs work to know whether there is a request, so the turn comes after it.
void session::read() {
  const std::size_t wanted = wanted_bytes();
  const bool in_body = phase_ == phase::body;
  if (in_body && !has_room(wanted)) return wait_for_room();
  if (in_body) set_body_deadline();
  reading_ = true;
  if (!stream_.is_secure()) return stream_.wait_readable(on_readable{session_ptr(this)});
  stream_.read(buffer_.prepare(wanted), on_bytes_read{session_ptr(this)});
}

std::size_t session::wanted_bytes() const {
  const std::size_t wanted = phase_ == phase::body ? body_read_bytes : idle_read_bytes;
  return std::min(wanted, buffer_.max_size() - buffer_.size());
}

void session::take_turn() {
  if (phase_ == phase::closed) return;
  if (host_.reads.take(*line_, session_ptr(this))) on_turn();
}

void session::on_turn() {
  if (std::exchange(readable_, false)) return read_now();
  if (phase_ == phase::header || phase_ == phase::body) parse();
}

void session::read_now() {
  reading_ = false;
  // After a timeout the answer is being written while the read that took too long is still under
  // way.
  if (phase_ == phase::closed || phase_ == phase::writing) return;
  if (phase_ == phase::linger) return read_and_drop();
  error_code ec;
  const std::size_t bytes = stream_.read_now(buffer_.prepare(wanted_bytes()), ec);
  if (ec == net::error::would_block) return read();
  if (take_in(ec, bytes)) parse();
}

void session::on_read(const error_code& ec, std::size_t bytes) {
  reading_ = false;
  if (phase_ == phase::closed || phase_ == phase::writing) return;
  if (phase_ == phase::linger && !ec) return on_dropped(bytes);
  if (take_in(ec, bytes)) take_turn();
}

/// False: it was the end.
bool session::take_in(const error_code& ec, std::size_t bytes) {
  if (ec) return close(), false;
  buffer_.commit(bytes);
  if (phase_ == phase::idle) enter(phase::header, host_.options.header_timeout);
  return true;
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
    refuse_at_header(std::move(*decision.refuse));
    return false;
  }
  reader_.current().context = std::move(decision.context);
  heavy_ = decision.heavy;
  reader_.accept_body(decision.body_bytes_max);
  if (reader_.at() == request_reader::state::done) return true;
  begin_body(decision.body_bytes_max);
  if (!reader_.expects_continue() || buffer_.size() > 0) return true;
  write_continue();
  return false;
}

void session::begin_body(std::uint64_t bytes_max) {
  body_bytes_ = std::min(reader_.content_length().value_or(bytes_max), bytes_max);
  enter_untimed(phase::body);
  body_end_ = steady_clock::now() + body_time(body_bytes_);
  deadline_ = body_end_;
}

/// That so many bytes may take.
std::chrono::milliseconds session::body_time(std::uint64_t bytes) const {
  const double rate =
      static_cast<double>(std::max<std::uint64_t>(host_.options.body_bytes_per_second_min, 1));
  const double seconds = std::min(static_cast<double>(bytes) / rate, body_seconds_max);
  return host_.options.body_timeout +
         std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// Whoever has sent most of a large body may not hold it back as long as the whole may take.
void session::set_body_deadline() {
  const std::uint64_t has = reader_.current().body.size();
  const std::uint64_t missing = body_bytes_ > has ? body_bytes_ - has : 0;
  deadline_ = std::min(body_end_, steady_clock::now() + body_time(missing));
}

/// For that much more of the body. False: it stands in line for it.
bool session::has_room(std::size_t more) {
  const std::uint64_t whole = reader_.current().body.size() + std::uint64_t(more);
  const auto bytes = static_cast<std::size_t>(std::min(whole, body_bytes_));
  if (bytes <= small_body_bytes_max) return true;
  if (!share_)
    share_ = std::make_unique<body_budget::share>(host_.bodies, client_, [this] { on_room(); });
  const bool has = share_->grow(bytes);
  host_.count_bodies();
  return has;
}

void session::wait_for_room() {
  enter(phase::waiting, host_.options.body_timeout);
  waiting_since_ = steady_clock::now();
}

void session::on_room() {
  enter_untimed(phase::body);
  // It is not the client that took this time.
  body_end_ += steady_clock::now() - waiting_since_;
  read();
}

void session::end_share() {
  if (!share_) return;
  share_.reset();
  host_.count_bodies();
}

void session::dispatch() {
  request taken = reader_.take_request();
  keep_ = reader_.keep_alive() && !taken.body_truncated;
  if (share_) share_->shrink(taken.body.size());
  enter_untimed(phase::pending);
  const bool heavy = heavy_ || taken.body.size() > host_.options.inline_body_bytes_max ||
                     (!taken.body.empty() && taken.header("Content-Encoding"));
  auto respond = host_.answers->make_respond(id_);
  if (heavy) return host_.heavy.run(client_, std::move(taken), std::move(respond));
  host_.door.on_request(std::move(taken), std::move(respond));
}

void session::on_expired() {
  switch (phase_) {
    case phase::header:
    case phase::body:
      return refuse({408, "request_timeout", "the request did not arrive in time"});
    case phase::waiting:
      return refuse({503, "overloaded", "too many large bodies are in progress; retry later",
                     retry_after_seconds});
    case phase::handshake:
      host_.count_refused("tls_handshake_timeout");
      return close();
    default:
      return close();
  }
}

void session::end_soon() {
  ends_soon_ = true;
  keep_ = false;
  if (phase_ == phase::idle || phase_ == phase::handshake) close();
}

void session::close() {
  if (phase_ == phase::closed) return;
  session_ptr self(this);
  end_share();
  enter_untimed(phase::closed);
  stream_.close();
  if (turned_away_) {
    --host_.turned_away;
  } else {
    host_.count.leave(client_);
  }
  if (std::exchange(line_, nullptr) != nullptr) host_.reads.leave(client_);
  host_.sessions.erase(id_);
  host_.count_sessions();
}

}  // namespace nexus::http
