// HTTP requests and answers as plain values, and the interface between the server (sockets,
// parsing, limits) and the door behind it (routes, checks, answers).
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::http {

using header_list = std::vector<std::pair<std::string, std::string>>;

struct request {
  std::string method;  ///< as sent, e.g. POST
  std::string path;    ///< the target up to '?', not decoded
  std::string query;   ///< what follows '?', not decoded
  header_list headers;
  std::string body;
  /// The body is longer than `header_decision::body_bytes_max`; `body` holds that many bytes of it.
  bool body_truncated = false;
  std::string peer_address;  ///< the TCP peer's IP address
  std::any context;          ///< `header_decision::context`

  /// The first header of that name (any case); nothing if there is none.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
};

struct response {
  int status = 200;
  std::string content_type = "application/json";
  header_list headers;  ///< beside Content-Type, Content-Length and Connection
  std::string body;
  bool close = false;  ///< close the connection after this answer
  /// What the body of a refusal says, for whoever says it in another form; see errors.hpp.
  std::string error_code;
  std::string error_message;
  std::int64_t retry_after_seconds = 0;
};

/// What to do with a request whose header is complete.
struct header_decision {
  /// Answer now, without reading the body.
  std::optional<response> refuse;
  std::uint64_t body_bytes_max = 10'485'760;
  std::any context;  ///< handed on in `request::context`
  /// A short body of this request may mean much work: on_request gets it on the other thread,
  /// however short it is.
  bool heavy = false;
};

/// Sends the answer; call it once, from any thread. Destroying the last copy without a call answers
/// 500.
using respond_fn = std::function<void(response)>;

/// The door's side. Both functions must not block. on_header is called on the I/O thread;
/// on_request is called there too, but for requests with large or compressed bodies
/// (server_options::inline_body_bytes_max) and those that on_header has called heavy: they get it
/// on another thread, at the same time.
class handler {
 public:
  virtual ~handler() = default;
  virtual header_decision on_header(const request& request) = 0;
  virtual void on_request(request request, respond_fn respond) = 0;
};

}  // namespace nexus::http
