#include "bench/http_load.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "bench/give_up.hpp"
#include "bench/wal_load.hpp"

namespace nexus::bench {
namespace {

constexpr std::size_t number_digits = 16;
constexpr std::size_t answer_bytes_max = 64 * 1024;

/// Length of the first answer in `bytes`; 0 while it is not complete.
std::size_t answer_length(std::string_view bytes) {
  const auto head = bytes.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  constexpr std::string_view name = "\r\nContent-Length: ";
  const auto at = bytes.find(name);
  if (at == std::string_view::npos || at > head)
    give_up("an answer without a length: " + std::string(bytes));
  std::size_t length = 0;
  std::from_chars(bytes.data() + at + name.size(), bytes.data() + head, length);
  const std::size_t whole = head + 4 + length;
  return bytes.size() >= whole ? whole : 0;
}

class client {
 public:
  client(std::uint16_t port, const request_template& what) : what_(what), fd_(connect_to(port)) {
    if (fd_ < 0) give_up_on_system("cannot connect to 127.0.0.1");
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  client(client&& other) noexcept
      : what_(std::move(other.what_)), fd_(std::exchange(other.fd_, -1)) {}
  client& operator=(client&&) = delete;
  ~client() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

  void send(std::uint64_t number) {
    constexpr char digits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < number_digits; ++i)
      what_.bytes[what_.number_at + i] = digits[number >> (60 - 4 * i) & 0xf];
    sent_at_ = steady::now();
    std::string_view rest = what_.bytes;
    while (!rest.empty()) {
      const auto n = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n < 0) give_up_on_system("cannot send");
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  /// Whether the answer is complete; then how long it took.
  bool receive(double& seconds) {
    const auto n = ::recv(fd_, in_.data() + have_, in_.size() - have_, 0);
    if (n <= 0) give_up("the server closed a connection: " + std::string(in_.data(), have_));
    have_ += static_cast<std::size_t>(n);
    const std::string_view bytes(in_.data(), have_);
    if (answer_length(bytes) == 0) return false;
    if (!bytes.starts_with("HTTP/1.1 200 ")) give_up("not a 200: " + std::string(bytes));
    have_ = 0;
    seconds = seconds_since(sent_at_);
    return true;
  }

 private:
  request_template what_;
  int fd_;
  steady::time_point sent_at_;
  std::vector<char> in_ = std::vector<char>(answer_bytes_max);
  std::size_t have_ = 0;
};

/// No two runs of one benchmark send the same number.
std::uint64_t next_number() {
  static std::uint64_t count = 0;
  return ++count;
}

}  // namespace

request_template make_post(const std::string& path, const std::string& token,
                           const std::string& content_type, const std::string& body) {
  request_template made;
  made.bytes = "POST " + path +
               " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ingest_bench\r\nAccept: */*\r\n"
               "Authorization: Bearer " +
               token + "\r\nContent-Type: " + content_type +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nIdempotency-Key: bench-";
  made.number_at = made.bytes.size();
  made.bytes += std::string(number_digits, '0') + "\r\n\r\n" + body;
  return made;
}

int connect_to(std::uint16_t port, const char* from) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const auto as_sockaddr = [&address] { return reinterpret_cast<sockaddr*>(&address); };
  bool ok = true;
  if (from != nullptr) {
    ::inet_pton(AF_INET, from, &address.sin_addr);
    // The kernel chooses the port when it connects: at bind it would search all of them, and hold a
    // processor for milliseconds.
    const int on = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    ok = ::bind(fd, as_sockaddr(), sizeof address) == 0;
  }
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  if (ok && ::connect(fd, as_sockaddr(), sizeof address) == 0) return fd;
  const int why = errno;
  ::close(fd);
  errno = why;
  return -1;
}

load_result run_load(std::uint16_t port, std::size_t connections, const request_template& what,
                     std::chrono::milliseconds warm_up, std::chrono::milliseconds length) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<client> clients;
  for (std::size_t i = 0; i < connections; ++i) {
    clients.emplace_back(port, what);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u64 = i;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, clients.back().fd(), &wanted);
  }
  for (auto& one : clients) one.send(next_number());
  load_result result;
  result.latencies.reserve(1'000'000);
  const auto begun = steady::now() + warm_up;
  const auto end = begun + length;
  std::size_t waiting = connections;  // after the end each client gets its last answer
  std::array<epoll_event, 256> events;
  while (waiting > 0) {
    const int n = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 10'000);
    if (n <= 0) give_up("no answer in ten seconds");
    const auto now = steady::now();
    for (int i = 0; i < n; ++i) {
      auto& one = clients[events[static_cast<std::size_t>(i)].data.u64];
      double seconds = 0;
      if (!one.receive(seconds)) continue;
      if (now >= begun && now < end) {
        ++result.answered;
        result.latencies.push_back(seconds);
      }
      now < end ? one.send(next_number()) : void(--waiting);
    }
  }
  result.seconds = std::chrono::duration<double>(length).count();
  ::close(poll);
  return result;
}

}  // namespace nexus::bench
