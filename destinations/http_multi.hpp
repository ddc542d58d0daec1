// Several HTTP requests at once over connections that stay open, with libcurl.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nexus::destinations {

struct http_request {
  /// The caller's own name for it; comes back with the reply.
  std::size_t tag = 0;
  std::string method;
  std::string url;
  /// Lines as "Name: value", without CR and LF, values not empty.
  std::vector<std::string> headers;
  std::string body;  ///< Not for GET and HEAD.
};

/// How a request ended.
enum class http_end : std::uint8_t {
  answered,     ///< `status` is what the server answered, even if the body was cut off after it.
  unreachable,  ///< No connection, or it broke before the whole head of an answer was there.
  timed_out,    ///< The server took the connection, and no answer came in time.
  refused,      ///< Its certificate does not fit, our files for TLS are wrong, or a proxy wants
                ///< credentials.
  bad_url,      ///< curl does not take the URL.
};

struct http_reply {
  http_end how = http_end::unreachable;
  int status = 0;
  /// The header Retry-After, either form; nothing where it is missing or says "now".
  std::optional<std::chrono::milliseconds> retry_after;
  std::string location_host;  ///< For an answer with a Location: the host that it names.
  std::string body;           ///< Its first bytes, see `http_body_kept`.
  std::string problem;        ///< Unless answered: what happened, one line, without the URL's path.
};

/// Bytes of a body that a reply holds.
inline constexpr std::size_t http_body_kept = 4 * 1024;
/// Bytes of a body that are read, so that the connection can be used again; after that it is
/// closed.
inline constexpr std::size_t http_body_read = 64 * 1024;

struct http_connections {
  std::string ca_file;    ///< Instead of the system's authorities; empty: those.
  std::string cert_file;  ///< What we show of ourselves; empty: nothing.
  std::string key_file;   ///< Its key; empty: in `cert_file`.
  std::size_t concurrency = 8;
};

/// Follows no redirects, speaks HTTP/1.1 and, where TLS offers it, HTTP/2. For one thread at a
/// time; connections stay open between runs. A proxy is taken from the environment as curl does
/// (https_proxy, http_proxy, no_proxy).
class http_multi {
 public:
  /// How a request is handed in: nothing when there are no more.
  using source = std::function<std::optional<http_request>()>;
  using sink = std::function<void(std::size_t tag, const http_reply& reply)>;

  explicit http_multi(http_connections how);
  ~http_multi();
  http_multi(const http_multi&) = delete;
  http_multi& operator=(const http_multi&) = delete;

  /// Carries out the requests that `next` gives, at most `concurrency` at once, begun in that
  /// order; `done` hears of each as it ends. Takes no longer than `timeout`. No request begins in
  /// the second half of it, so that each has at least that half for its answer. `next` is not
  /// called again after it gave nothing.
  void run(std::chrono::milliseconds timeout, const source& next, const sink& done);

 private:
  struct transfer;
  struct engine;
  std::unique_ptr<engine> engine_;
};

}  // namespace nexus::destinations
