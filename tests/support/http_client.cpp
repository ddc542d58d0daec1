#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace nexus::test {

std::optional<std::string> http_answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0)
      return value;
  }
  return std::nullopt;
}

http_client::http_client(std::uint16_t port, const char* from)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in here{};
  here.sin_family = AF_INET;
  ::inet_pton(AF_INET, from, &here.sin_addr);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval limit{30, 0};
  int on = 1;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0 &&
      ::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0)
    return;
  const int reason = errno;
  if (reason == ECONNRESET) return;  // made, and turned away before this thread went on
  ::close(socket_);
  throw std::system_error(reason, std::generic_category(), "connect");
}

http_client::~http_client() {
  if (socket_ >= 0) ::close(socket_);
}

bool http_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void http_client::finish_sending() {
  ::shutdown(socket_, SHUT_WR);
}

std::ptrdiff_t http_client::receive_some(char* into, std::size_t count) {
  ssize_t got = 0;
  do {
    got = ::recv(socket_, into, count, 0);
  } while (got < 0 && errno == EINTR);
  return got;
}

bool http_client::receive() {
  char buffer[64 * 1024];
  const std::ptrdiff_t got = receive_some(buffer, sizeof buffer);
  if (got <= 0) return false;
  received_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::optional<http_answer> http_client::read_answer(bool to_head) {
  std::size_t header_end = 0;
  while ((header_end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive()) return std::nullopt;
  }
  http_answer answer;
  const char* status = received_.data() + received_.find(' ') + 1;
  std::from_chars(status, received_.data() + received_.size(), answer.status);
  std::size_t line = received_.find("\r\n") + 2;
  while (line < header_end) {
    std::size_t end = received_.find("\r\n", line);
    std::size_t colon = received_.find(": ", line);
    answer.headers.emplace_back(received_.substr(line, colon - line),
                                received_.substr(colon + 2, end - colon - 2));
    line = end + 2;
  }
  std::size_t length =
      to_head ? 0
              : std::strtoul(answer.header("Content-Length").value_or("0").c_str(), nullptr, 10);
  std::size_t body = header_end + 4;
  while (received_.size() < body + length) {
    if (!receive()) return std::nullopt;
  }
  answer.body = received_.substr(body, length);
  received_.erase(0, body + length);
  return answer;
}

bool http_client::at_end() {
  if (!received_.empty()) return false;
  char byte = 0;
  return receive_some(&byte, 1) == 0;
}

void http_client::reset() {
  linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket_);
  socket_ = -1;
}

std::optional<http_answer> http_client::request(
    std::string_view method, std::string_view path,
    const std::vector<std::pair<std::string, std::string>>& headers, std::string_view body) {
  std::string text =
      std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST")
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n";
  text += body;
  if (!send(text)) return std::nullopt;
  return read_answer(method == "HEAD");
}

}  // namespace nexus::test
