#include <string_view>
#include <utility>

#include "http/errors.hpp"
#include "http/response_text.hpp"
#include "http/session_io.hpp"

namespace nexus::http {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t linger_read_bytes = 4 * 1024;
/// Beyond this the client is cut off although it may not have seen the answer yet.
constexpr std::size_t linger_bytes_max = 16 * 1024 * 1024;
/// A longer body is not copied behind its header.
constexpr std::size_t joined_bytes_max = 64 * 1024;

}  // namespace

void session::turn_away(const refusal& reason) {
  turned_away_ = true;
  ++host_.turned_away;
  refuse(reason);
}

void session::answer(response content) {
  if (phase_ == phase::pending) write(std::move(content), keep_);
}

void session::refuse(const refusal& reason) {
  host_.count_refused(reason.code);
  std::string().swap(reader_.current().body);
  write(error_response(reason.status, reason.code, reason.message, reason.retry_after_seconds),
        false);
}

void session::refuse_at_header(response content) {
  // A body that has come along with its header is stepped over; one that is still on its way costs
  // the connection.
  reader_.skip_body();
  auto bytes = buffer_.cdata();
  buffer_.consume(reader_.feed({static_cast<const char*>(bytes.data()), bytes.size()}));
  write(std::move(content), reader_.keep_alive() && reader_.at() == request_reader::state::done);
}

void session::write_continue() {
  static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  enter_untimed(phase::interim);
  deadline_ = body_end_;
  stream_.write(net::buffer(text), on_bytes_written{session_ptr(this)});
}

void session::write(response content, bool keep) {
  end_share();
  keep_ = keep && !content.close && !ends_soon_;
  const response_framing framing{keep_, reader_.http_1_0(), head_, host_.date};
  out_.clear();
  if (content.body.size() <= joined_bytes_max) {
    append_response(out_, content, framing);
  } else if (append_head(out_, content, framing)) {
    rest_ = std::move(content.body);
  }
  enter(phase::writing, host_.options.write_timeout);
  write_out();
}

void session::write_out() {
  stream_.write(net::buffer(out_), on_bytes_written{session_ptr(this)});
}

void session::on_written(const error_code& ec) {
  if (phase_ == phase::closed) return;
  if (ec) return close();
  if (phase_ == phase::interim) {
    phase_ = phase::body;
    return read();
  }
  if (!rest_.empty()) {
    out_ = std::exchange(rest_, {});
    return write_out();
  }
  head_ = false;
  return keep_ ? next_request(host_.options.idle_timeout) : linger();
}

/// Closing with bytes unread makes the kernel send a reset, which can destroy the answer on its
/// way.
void session::linger() {
  enter(phase::linger, host_.options.linger_timeout);
  stream_.finish([self = session_ptr(this)](error_code) {});
  buffer_.clear();
  if (!reading_) read_and_drop();
}

void session::read_and_drop() {
  reading_ = true;
  stream_.read_raw(buffer_.prepare(linger_read_bytes), on_bytes_read{session_ptr(this)});
}

void session::on_dropped(std::size_t bytes) {
  lingered_bytes_ += bytes;
  if (lingered_bytes_ > linger_bytes_max) return close();
  read_and_drop();
}

}  // namespace nexus::http
