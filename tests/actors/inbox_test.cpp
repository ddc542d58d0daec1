#include "actors/inbox.hpp"

#include <future>
#include <string>

#include "actors/weight.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::actors;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t no_limit = std::size_t{1} << 30;

submission_ptr make_submission(const std::string& id, core::errc* answer = nullptr) {
  return std::make_shared<submission>(std::vector{make_entry(id)},
                                      [answer](const core::result<void>& outcome) {
                                        if (answer != nullptr) *answer = outcome.reason().code;
                                      });
}

std::vector<std::string> ids_of(const std::vector<submission_ptr>& taken) {
  std::vector<std::string> ids;
  for (const auto& one : taken) ids.push_back(one->entries().front()->payload_id);
  return ids;
}

using ids = std::vector<std::string>;

}  // namespace

TEST_CASE("the actor is called once for all that it takes then") {
  inbox box;
  CHECK(box.push(make_submission("p1")));
  CHECK_FALSE(box.push(make_submission("p2")));
  CHECK_FALSE(box.call());
  CHECK(ids_of(box.take(no_limit)) == ids{"p1", "p2"});
  CHECK(box.size() == 0);
  CHECK(box.call());
  CHECK_FALSE(box.push(make_submission("p3")));
  CHECK(ids_of(box.take(no_limit)) == ids{"p3"});
  CHECK(box.take(no_limit).empty());
  CHECK(box.push(make_submission("p4")));
}

TEST_CASE("what is taken at a time has a limit, but it is one submission at least") {
  inbox box;
  const auto bytes = weight(*make_entry("p1"));
  for (const auto* id : {"p1", "p2", "p3"}) box.push(make_submission(id));
  CHECK(ids_of(box.take(2 * bytes)) == ids{"p1", "p2"});
  CHECK(box.size() == 1);
  CHECK(ids_of(box.take(bytes - 1)) == ids{"p3"});
}

TEST_CASE("a wait for company ends with the last who is expected, or with enough bytes") {
  const auto bytes = weight(*make_entry("p1"));
  struct limits {
    std::size_t count, bytes;
  };
  for (const auto& [count, bytes_max] : {limits{3, no_limit}, limits{100, 3 * bytes}}) {
    inbox box;
    box.push(make_submission("p1"));
    auto seen = std::async(std::launch::async, [&, n = count, most = bytes_max] {
      box.await(n, most, inbox::clock::now() + 1h);
      return box.size();
    });
    box.push(make_submission("p2"));
    box.push(make_submission("p3"));
    CHECK(seen.get() == 3);
  }
}

TEST_CASE("nobody waits for company beyond the time, nor where there is nothing") {
  inbox box;
  box.await(2, no_limit, inbox::clock::now() + 1h);
  box.push(make_submission("p1"));
  box.await(2, no_limit, inbox::clock::now() + 1ms);
  CHECK(box.size() == 1);
}

TEST_CASE("a closed inbox answers what waits, and leaves what comes to its owner") {
  inbox box;
  core::errc before{}, after{};
  box.push(make_submission("p1", &before));
  box.close();
  CHECK(before == core::errc::closed);
  auto late = make_submission("p2", &after);
  CHECK_FALSE(box.push(late));
  CHECK(box.take(no_limit).empty());
  CHECK(after == core::errc{});
  late.reset();
  CHECK(after == core::errc::closed);
}
