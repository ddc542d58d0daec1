// One TCP connection to an HTTP server on this machine, for tests: sends any bytes, good or bad,
// and reads answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::test {

struct http_answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  /// The first header of that name (any case); nothing if there is none.
  std::optional<std::string> header(std::string_view name) const;
};

/// Blocking; gives up after half a minute without a byte, so that a hanging server fails the test.
/// Throws std::runtime_error if the connection cannot be made.
class http_client {
 public:
  /// To 127.0.0.1; `from` is another address of this machine, e.g. 127.0.0.2.
  explicit http_client(std::uint16_t port, const char* from = "127.0.0.1");
  virtual ~http_client();
  http_client(http_client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// False: the server has closed or reset the connection.
  virtual bool send(std::string_view bytes);
  /// Says that no more bytes will come (half-close).
  void finish_sending();
  /// The next answer, by its Content-Length; nothing if the connection ended before it was
  /// complete. `to_head`: the answer to a HEAD request, which has no body.
  std::optional<http_answer> read_answer(bool to_head = false);
  /// Reads to the end of the connection; true if it ended orderly (not by a reset) and without
  /// another byte.
  bool at_end();
  /// Closes with a reset instead of an orderly end.
  void reset();

  /// Sends a request with Host and, where there is a body or the method is POST, Content-Length;
  /// returns its answer.
  std::optional<http_answer> request(
      std::string_view method, std::string_view path,
      const std::vector<std::pair<std::string, std::string>>& headers = {},
      std::string_view body = {});

 protected:
  /// At most `count` bytes; 0: the connection has ended orderly, below 0: it broke.
  virtual std::ptrdiff_t receive_some(char* into, std::size_t count);
  int socket() const noexcept { return socket_; }

 private:
  bool receive();

  int socket_ = -1;
  std::string received_;  ///< and not yet part of an answer
};

}  // namespace nexus::test
