#include "bench/bare_http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "bench/give_up.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "http/server.hpp"

namespace nexus::bench {
namespace {

/// As long as the answer to a write.
constexpr std::string_view answer_body =
    "{\"payload_id\":\"9cc2a55a30b8d300684a672c595b6eee\",\"status\":\"accepted\"}\n";

/// Length of the first request in `bytes`; 0 while it is not complete.
std::size_t request_length(std::string_view bytes) {
  const auto head = bytes.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  std::size_t length = 0;
  constexpr std::string_view name = "\r\nContent-Length: ";
  if (const auto at = bytes.find(name); at < head)
    std::from_chars(bytes.data() + at + name.size(), bytes.data() + head, length);
  const std::size_t whole = head + 4 + length;
  return bytes.size() >= whole ? whole : 0;
}

int listen_somewhere(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, where, size) != 0 || ::listen(fd, SOMAXCONN) != 0 ||
      ::getsockname(fd, where, &size) != 0)
    give_up_on_system("bare server");
  port = ntohs(address.sin_port);
  return fd;
}

class epoll_server {
 public:
  void serve(const std::function<void(std::uint16_t)>& tell) {
    std::uint16_t port = 0;
    listener_ = listen_somewhere(port);
    watch(listener_);
    tell(port);
    std::array<epoll_event, 256> events;
    for (;;) {
      const int n = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < n; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_ ? accept() : read(fd);
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = fd;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &wanted);
  }

  void accept() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd);
  }

  void read(int fd) {
    const auto n = ::recv(fd, chunk_.data(), chunk_.size(), 0);
    if (n <= 0) {
      if (n < 0 && errno == EAGAIN) return;
      in_.erase(fd);
      ::close(fd);
      return;
    }
    auto& bytes = in_[fd];
    bytes.append(chunk_.data(), static_cast<std::size_t>(n));
    std::size_t length = 0;
    while ((length = request_length(bytes)) > 0) {
      bytes.erase(0, length);
      ::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }

  const int poll_ = ::epoll_create1(EPOLL_CLOEXEC);
  int listener_ = -1;
  std::unordered_map<int, std::string> in_;
  std::array<char, 65536> chunk_;
  const std::string answer_ =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(answer_body.size()) + "\r\n\r\n" + std::string(answer_body);
};

class ready_answer final : public http::handler {
 public:
  http::header_decision on_header(const http::request&) override { return {}; }
  void on_request(http::request, http::respond_fn respond) override {
    http::response answer;
    answer.body = answer_body;
    respond(std::move(answer));
  }
};

}  // namespace

bare_server::bare_server(const std::function<void(std::function<void(std::uint16_t)>)>& serve) {
  std::array<int, 2> ends;
  if (::pipe(ends.data()) != 0) give_up_on_system("bare server");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends[0]);
    serve([&ends](std::uint16_t port) {
      if (::write(ends[1], &port, sizeof port) != sizeof port) std::_Exit(2);
    });
    std::_Exit(0);
  }
  ::close(ends[1]);
  if (::read(ends[0], &port_, sizeof port_) != sizeof port_)
    give_up("a bare server did not start");
  ::close(ends[0]);
}

bare_server::bare_server(bare_server&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), port_(other.port_) {}

bare_server::~bare_server() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bare_server bare_server::epoll_loop() {
  return bare_server([](const auto& tell) { epoll_server().serve(tell); });
}

bare_server bare_server::http_server() {
  return bare_server([](const auto& tell) {
    ready_answer handler;
    core::metrics metrics;
    http::server_options how;
    how.port = 0;
    const auto server = must(http::server::start(how, handler, core::make_null_logger(), metrics));
    tell(server->port());
    ::pause();
  });
}

}  // namespace nexus::bench
