// Makes requests of bytes: HTTP/1.1 framing, and the refusal of every form of it that is ambiguous.
// It knows no sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/header_scanner.hpp"
#include "http/message.hpp"

namespace nexus::http {

/// Why the server itself turns a request away. `code` is the one in the error body.
struct refusal {
  int status;
  std::string_view code;  ///< a literal
  std::string message;
  std::int64_t retry_after_seconds = 0;  ///< 0: trying again does not help
};

/// Reads one request after the other from one connection.
///
///     feed() until header_done → current() → accept_body() → feed() until done
///     → take_request() → reset() …
///
/// Not thread-safe.
class request_reader {
 public:
  enum class state {
    header,       ///< the header is not complete
    header_done,  ///< feed() takes nothing until accept_body() or skip_body() was called
    body,         ///< the body is not complete
    done,         ///< all of it is there, or as much as was asked for (`request::body_truncated`)
    refused,      ///< see refused(); the connection cannot be used any more
  };

  explicit request_reader(const header_limits& limits);
  ~request_reader();
  request_reader(const request_reader&) = delete;
  request_reader& operator=(const request_reader&) = delete;

  /// Takes bytes and returns how many; offer the others again, with more behind them. May take none
  /// while the header, a chunk's first line or the trailer is incomplete, or of a body in chunks
  /// fewer than five bytes are there.
  std::size_t feed(std::string_view bytes);
  /// Goes on with the body; bytes beyond `bytes_max` end it, truncated.
  void accept_body(std::uint64_t bytes_max);
  /// Goes on with the body, and drops it.
  void skip_body();
  /// Starts over for the next request.
  void reset();

  state at() const noexcept { return state_; }
  const refusal& refused() const noexcept { return refusal_; }

  /// From header_done on.
  request& current() noexcept { return request_; }
  request take_request() { return std::move(request_); }
  bool keep_alive() const noexcept { return keep_alive_; }
  bool http_1_0() const noexcept { return http_1_0_; }
  /// The client waits for `100 Continue` before it sends the body.
  bool expects_continue() const noexcept { return expects_continue_; }
  std::optional<std::uint64_t> content_length() const noexcept { return content_length_; }

 private:
  class message_parser;

  std::size_t feed_header(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  void finish_header();
  void refuse(int status, std::string_view code, std::string message);

  header_limits limits_;
  header_scanner scanner_;
  std::unique_ptr<message_parser> parser_;
  request request_;
  state state_ = state::header;
  refusal refusal_{};
  bool keep_alive_ = false;
  bool http_1_0_ = false;
  bool expects_continue_ = false;
  std::optional<std::uint64_t> content_length_;
};

}  // namespace nexus::http
