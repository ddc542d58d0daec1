// HTTP requests to other systems, several at once over connections that stay open, with libcurl.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nexus::outgoing {

/// A POST of JSON.
struct http_call {
  std::string url;
  std::vector<std::string> headers;  ///< beside Content-Type; "Name: value", without CR and LF
  std::string body;
  std::chrono::milliseconds timeout{5'000};  ///< for all of it, connecting included
};

/// How a call ended.
struct http_reply {
  int status = 0;  ///< 0: there was no answer
  std::string body;
  /// The header Retry-After, either form; nothing where it is missing or says "now".
  std::optional<std::chrono::seconds> retry_after;
  std::string problem;  ///< without an answer: what happened, one line, without the URL
};

/// Follows no redirects. A proxy is taken from the environment as curl does (https_proxy,
/// http_proxy, no_proxy). For one thread, but for `wake`.
class http_calls {
 public:
  /// Told once, inside `run` or `abandon`.
  using done_fn = std::function<void(const http_reply&)>;

  /// `body_bytes_max`: of an answer; one that is longer counts as none.
  explicit http_calls(std::size_t body_bytes_max);
  ~http_calls();
  http_calls(const http_calls&) = delete;
  http_calls& operator=(const http_calls&) = delete;

  void begin(http_call call, done_fn done);

  /// So many are under way.
  std::size_t size() const noexcept;

  /// Waits until one of them ends, somebody calls `wake`, or so much time has passed, and tells
  /// those that have ended. It may return early for no reason.
  void run(std::chrono::milliseconds at_most);

  /// Lets `run` return, also the next one if none is waiting. Any thread.
  void wake() noexcept;

  /// Ends all that are under way, as calls without an answer.
  void abandon();

 private:
  struct transfer;
  struct engine;
  std::unique_ptr<engine> engine_;
};

/// The host of a URL, with its port if it names one: what may be shown of a URL, whose other parts
/// may hold a password or a token. Empty if it is none.
std::string host_of(const std::string& url);

}  // namespace nexus::outgoing
