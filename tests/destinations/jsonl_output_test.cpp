// The JSON Lines destination on the standard output, which is that of a child process here.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <functional>

#include "tests/destinations/jsonl_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<destination> to_output(std::chrono::milliseconds timeout) {
  jsonl_options how;
  how.path = "-";
  how.timeout = timeout;
  return make_jsonl(how);
}

/// A process whose standard output is a pipe of the smallest size; what `work` returns is its exit
/// status.
class child {
 public:
  explicit child(const std::function<bool()>& work) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    ::fcntl(ends[1], F_SETPIPE_SZ, 4096);
    std::fflush(nullptr);  // what waits there is the parent's: a sanitizer's _exit writes it, too
    process_ = ::fork();
    if (process_ == 0) {
      std::signal(SIGPIPE, SIG_IGN);
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::_exit(work() ? 0 : 1);
    }
    ::close(ends[1]);
    output_ = ends[0];
    REQUIRE(process_ > 0);
  }
  ~child() {
    close_reader();
    if (process_ > 0) (void)end();
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  void close_reader() {
    if (output_ >= 0) ::close(std::exchange(output_, -1));
  }
  std::string read_all() {
    std::string all;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::read(output_, part.data(), part.size())) > 0;) {
      all.append(part.data(), static_cast<std::size_t>(n));
    }
    return all;
  }
  /// Waits for its end; whether `work` returned true.
  bool end() {
    int status = 0;
    const bool ended = ::waitpid(std::exchange(process_, -1), &status, 0) > 0;
    return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  pid_t process_ = -1;
  int output_ = -1;
};

bool all_are(const std::vector<outcome>& outcomes, outcome_kind kind) {
  return std::ranges::all_of(outcomes, [&](const auto& each) { return each.kind == kind; });
}

std::string large_payload(const std::string& id) {
  return R"({"payload_id":")" + id + R"(","content":")" + std::string(3000, 'x') + "\"}";
}

}  // namespace

TEST_CASE("jsonl: lines go to the standard output, however slowly they are read") {
  child process([] {
    auto to = to_output(60s);
    std::vector<nexus::core::entry_ptr> batch;
    for (int i = 0; i < 100; ++i) {
      batch.push_back(json_entry(std::to_string(i), large_payload(std::to_string(i))));
    }
    return to->ping().ok() && all_are(to->deliver(batch), outcome_kind::delivered);
  });
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += large_payload(std::to_string(i)) + "\n";
  CHECK(process.read_all() == expected);
  CHECK(process.end());
}

TEST_CASE("jsonl: a standard output that nobody reads is unreachable") {
  // The child begins when this pipe ends: the reader is gone by then.
  std::array<int, 2> gate{};
  REQUIRE(::pipe2(gate.data(), O_CLOEXEC) == 0);
  child process([&] {
    ::close(gate[1]);
    char none = 0;
    (void)!::read(gate[0], &none, 1);
    auto to = to_output(60s);
    const auto pinged = to->ping();
    return !pinged.ok() && pinged.reason().code == nexus::core::errc::unreachable &&
           all_are(to->deliver(entries_of({"1", "2"})), outcome_kind::unreachable);
  });
  process.close_reader();
  ::close(gate[0]);
  ::close(gate[1]);
  CHECK(process.end());
}

TEST_CASE("jsonl: a closed standard output is unreachable") {
  child process([] {
    ::close(STDOUT_FILENO);
    auto to = to_output(60s);
    return !to->ping().ok() && all_are(to->deliver(entries_of({"1"})), outcome_kind::unreachable);
  });
  CHECK(process.end());
}

TEST_CASE("jsonl: a reader that has stopped is not waited for longer than the timeout") {
  child process([] {
    auto to = to_output(50ms);
    // Two fit into neither the pipe of one page nor a second one.
    const auto outcomes = to->deliver(
        std::vector{json_entry("1", large_payload("1")), json_entry("2", large_payload("2"))});
    const bool first = outcomes[0].kind == outcome_kind::delivered &&
                       outcomes[1].kind == outcome_kind::unreachable;
    return first && all_are(to->deliver(entries_of({"3"})), outcome_kind::unreachable);
  });
  CHECK(process.end());
  CHECK(process.read_all().starts_with(large_payload("1") + "\n"));
}
