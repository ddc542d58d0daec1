// What the server answers before it serves.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "cli/service.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;

namespace {

/// A port that nobody listens on. The service binds it a moment later.
std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(probe >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(probe, raw, size) == 0);
  REQUIRE(::getsockname(probe, raw, &size) == 0);
  ::close(probe);
  return ::ntohs(address.sin_port);
}

/// Keeps the first question, that of the start, from being answered until the test lets it.
struct gate {
  std::atomic<bool> first = true;
  std::promise<void> reached;
  std::promise<void> opened;
};

class gated_destination final : public destinations::destination {
 public:
  explicit gated_destination(std::shared_ptr<gate> at) : at_(std::move(at)) {}
  std::vector<destinations::outcome> deliver(std::span<const core::entry_ptr> batch) override {
    return std::vector<destinations::outcome>(batch.size());
  }
  core::result<void> ping() override {
    if (!at_->first.exchange(false)) return {};
    at_->reached.set_value();
    at_->opened.get_future().wait();
    return {};
  }

 private:
  std::shared_ptr<gate> at_;
};

std::shared_ptr<const config::config> settings_in(const test::temp_dir& dir) {
  auto settings = std::make_shared<config::config>();
  settings->home = dir.path();
  settings->port = free_port();
  settings->bind = "127.0.0.1";
  settings->admin_token = config::secret("admin");
  settings->wal.path = dir / "wal";
  config::source_config source;
  source.name = "main";
  source.api_keys = {config::secret("key")};
  source.can_write = true;
  source.target_destinations = {"d"};
  settings->sources = {source};
  config::destination_config destination;
  destination.name = "d";
  destination.type = "gated";
  destination.required = true;
  settings->destinations = {destination};
  return settings;
}

test::http_answer ask(std::uint16_t port, const std::string& method, const std::string& path) {
  test::http_client client(port);
  const auto answer =
      client.request(method, path, {{"Authorization", "Bearer key"}}, method == "POST" ? "{}" : "");
  REQUIRE(answer);
  return *answer;
}

}  // namespace

TEST_CASE("health is answered before the log is open, and everything else is asked to come again") {
  const test::temp_dir dir;
  const auto settings = settings_in(dir);
  const auto port = settings->port;
  const auto at = std::make_shared<gate>();
  destinations::registry types;
  destinations::type_info type;
  type.make = [at](const auto&) -> core::result<std::unique_ptr<destinations::destination>> {
    return std::unique_ptr<destinations::destination>(std::make_unique<gated_destination>(at));
  };
  REQUIRE(types.add("gated", std::move(type)));
  auto starting = std::async(std::launch::async, [&] {
    return cli::service::start(
        settings, types, core::make_null_logger(), [] {},
        []() -> core::result<config::loaded> {
          return core::error{core::errc::bad_config, "the test has no files"};
        });
  });
  at->reached.get_future().wait();

  CHECK(ask(port, "GET", "/health").status == 200);
  for (const char* path : {"/ready", "/query/d"}) {
    const auto answer = ask(port, "GET", path);
    CHECK(answer.status == 503);
    CHECK(answer.header("Retry-After"));
    CHECK(answer.body.starts_with("{\"error\":\"starting\","));
  }
  CHECK(ask(port, "POST", "/inbound/main").status == 503);

  at->opened.set_value();
  auto running = starting.get();
  INFO((running ? "" : running.reason().text));
  REQUIRE(running.ok());
  CHECK(ask(port, "GET", "/ready").status == 200);
  CHECK(ask(port, "POST", "/inbound/main").status == 200);
  (*running)->stop(std::chrono::seconds(10));
}
