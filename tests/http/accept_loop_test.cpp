#include "http/accept_loop.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus;
using boost::system::error_code;

namespace {

/// A client's end of a connection, which blocks.
class client {
 public:
  explicit client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client() { ::close(fd_); }

  /// What ends the connection: 0 in order, or the error.
  int end() const {
    char dropped;
    const auto n = ::recv(fd_, &dropped, 1, 0);
    return n < 0 ? errno : static_cast<int>(n);
  }

 private:
  int fd_;
};

struct listening {
  boost::asio::io_context context{1};
  std::vector<http::tcp_socket> taken;
  int arrivals = 0;
  int failures = 0;
  error_code answer;  ///< to the next arrival; success: it is taken
  bool leaves = false;
  http::accept_loop loop{context, core::make_null_logger(),
                         [this](http::arrival& come) { return take(come); },
                         [this] { ++failures; }};
  std::uint16_t port = 0;

  listening() {
    auto opened = http::open_listener(context, "127.0.0.1", 0);
    REQUIRE(opened.ok());
    port = opened->local_endpoint().port();
    loop.open(std::move(*opened));
    loop.start();
  }

  error_code take(http::arrival& come) {
    ++arrivals;
    CHECK(come.peer().address().to_string() == "127.0.0.1");
    if (leaves || answer) return std::exchange(answer, {});
    error_code ec;
    taken.push_back(come.take(context, ec));
    return ec;
  }

  void run_until_arrivals(int count) {
    while (arrivals < count) context.run_one();
  }
};

}  // namespace

TEST_CASE("an arrival that nobody takes is reset, one that is taken ends in order") {
  listening at;
  at.leaves = true;
  const client left(at.port);
  at.run_until_arrivals(1);
  CHECK(left.end() == ECONNRESET);
  at.leaves = false;
  const client taken(at.port);
  at.run_until_arrivals(2);
  at.taken.clear();
  CHECK(taken.end() == 0);
  CHECK(at.failures == 0);
}

TEST_CASE("an arrival that cannot be taken is counted, and those after it are taken later") {
  listening at;
  at.answer = make_error_code(boost::system::errc::not_enough_memory);
  const client refused(at.port);
  const client served(at.port);
  at.run_until_arrivals(2);
  CHECK(refused.end() == ECONNRESET);
  CHECK(at.failures == 1);
  at.taken.clear();
  CHECK(served.end() == 0);
}

TEST_CASE("many arrivals that nobody takes are all reset") {
  listening at;
  at.leaves = true;
  for (int i = 1; i <= 50; ++i) {
    const client left(at.port);
    at.run_until_arrivals(i);
    CHECK(left.end() == ECONNRESET);
  }
}
