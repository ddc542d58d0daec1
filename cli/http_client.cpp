#include "cli/http_client.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/home.hpp"

namespace nexus::cli {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Reads status line and headers; `head` ends before the empty line.
bool parse_head(std::string_view head, http_answer& into) {
  const auto first_end = std::min(head.find("\r\n"), head.size());
  if (!head.starts_with("HTTP/1.1 ") || first_end < 12) return false;
  const auto [end, error] = std::from_chars(head.data() + 9, head.data() + 12, into.status);
  if (error != std::errc{} || end != head.data() + 12) return false;
  for (std::string_view rest = head.substr(first_end); rest.starts_with("\r\n");) {
    rest.remove_prefix(2);
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size());
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    into.headers.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
  }
  return true;
}

std::string request_text(const http_client::request& what, const std::string& authority) {
  std::string out = what.method + " " + what.target + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!what.token.empty()) out += "Authorization: Bearer " + what.token + "\r\n";
  for (const auto& [name, value] : what.headers) out += name + ": " + value + "\r\n";
  if (what.method != "GET") out += "Content-Length: " + std::to_string(what.body.size()) + "\r\n";
  return out + "\r\n" + what.body;
}

}  // namespace

std::optional<std::string> http_answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return std::nullopt;
}

http_client::http_client(std::string host, std::uint16_t port, std::chrono::seconds timeout)
    : host_(std::move(host)), port_(port), timeout_(timeout) {}

http_client::~http_client() {
  disconnect();
}

void http_client::disconnect() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  buffer_.clear();
}

core::error http_client::broken(std::string_view what, int number) const {
  const std::string where = address_text(host_, port_) + ": " + std::string(what);
  const bool late = number == EAGAIN || number == EWOULDBLOCK || number == EINPROGRESS;
  return {core::errc::unreachable,
          late ? where + ": no answer in time" : core::os_error(number, where).text};
}

core::result<void> http_client::connect() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host_.c_str(), std::to_string(port_).c_str(), &hints, &found);
      code != 0) {
    return core::error{core::errc::unreachable, host_ + ": " + ::gai_strerror(code)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  fd_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return broken("socket", errno);
  const timeval wait{timeout_.count(), 0};
  const int on = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, found->ai_addr, found->ai_addrlen) != 0) {
    const int number = errno;
    disconnect();
    return broken("connect", number);
  }
  return {};
}

core::result<void> http_client::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return broken("send", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

core::result<bool> http_client::read_more() {
  std::array<char, 64 * 1024> bytes;
  ssize_t n = 0;
  do {
    n = ::recv(fd_, bytes.data(), bytes.size(), 0);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return broken("receive", errno);
  buffer_.append(bytes.data(), static_cast<std::size_t>(n));
  return n > 0;
}

core::result<http_answer> http_client::read_answer() {
  const core::error cut{core::errc::unreachable,
                        address_text(host_, port_) + " closed the connection before its answer"};
  std::size_t head_end = 0;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    auto more = read_more();
    if (!more) return more.reason();
    if (!*more) return cut;
  }
  http_answer answer;
  std::size_t length = 0;
  const bool understood = parse_head(std::string_view(buffer_).substr(0, head_end), answer);
  const std::string length_text = answer.header("Content-Length").value_or("0");
  const char* length_end = length_text.data() + length_text.size();
  if (!understood || std::from_chars(length_text.data(), length_end, length).ptr != length_end) {
    return core::error{core::errc::unreachable,
                       address_text(host_, port_) + " does not answer as a Nexus server does"};
  }
  buffer_.erase(0, head_end + 4);
  while (buffer_.size() < length) {
    auto more = read_more();
    if (!more) return more.reason();
    if (!*more) return cut;
  }
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

core::result<http_answer> http_client::send(const request& what) {
  if (fd_ < 0) {
    if (auto connected = connect(); !connected) return connected.reason();
  }
  const auto written = write_all(request_text(what, address_text(host_, port_)));
  // A server may refuse a request without reading its body; the answer is there although the rest
  // could not be sent.
  auto answer = read_answer();
  if (!answer) {
    disconnect();
    return written ? answer : core::result<http_answer>(written.reason());
  }
  if (!written || same_name(answer->header("Connection").value_or(""), "close")) disconnect();
  return answer;
}

}  // namespace nexus::cli
