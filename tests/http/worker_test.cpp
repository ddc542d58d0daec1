// Requests that take the handler long, of several clients.
#include "http/worker.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus;

namespace {

/// Holds the first request until it is told to go on, and notes the paths.
class slow_handler final : public http::handler {
 public:
  http::header_decision on_header(const http::request&) override { return {}; }

  void on_request(http::request request, http::respond_fn) override {
    std::unique_lock lock(mutex_);
    paths_.push_back(request.path);
    changed_.notify_all();
    changed_.wait(lock, [this] { return goes_on_; });
  }

  void go_on() {
    const std::lock_guard lock(mutex_);
    goes_on_ = true;
    changed_.notify_all();
  }

  /// Waits until there are so many.
  std::vector<std::string> paths(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return paths_.size() >= count; });
    return paths_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> paths_;
  bool goes_on_ = false;
};

}  // namespace

TEST_CASE("a client with one long request waits for one of each other client, not for all") {
  slow_handler handler;
  http::worker worker(handler);
  const auto run = [&](const std::string& client, const std::string& path) {
    http::request what;
    what.path = path;
    worker.run(client, std::move(what), [](http::response) {});
  };
  run("a", "a1");
  handler.paths(1);
  for (const char* path : {"a2", "a3", "a4"}) run("a", path);
  run("b", "b1");
  run("c", "c1");
  run("c", "c2");
  handler.go_on();
  CHECK(handler.paths(7) == std::vector<std::string>{"a1", "a2", "b1", "c1", "a3", "c2", "a4"});
}
