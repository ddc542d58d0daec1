#include "destinations/outstanding.hpp"

#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace std::chrono_literals;
using indices = std::vector<std::size_t>;

namespace {

constexpr resend_policy policy{100ms, 300ms, 10ms};
const outstanding::time_point start{1h};

}  // namespace

TEST_CASE("at first every message is due, in its order") {
  outstanding batch(7, 3, policy);
  CHECK(batch.due(start) == indices{0, 1, 2});
  CHECK(batch.next_due() <= start);
  CHECK_FALSE(batch.empty());
}

TEST_CASE("a message that was sent is due again after the wait for its acknowledgement") {
  outstanding batch(7, 2, policy);
  batch.sent(0, start);
  batch.sent(1, start + 50ms);
  CHECK(batch.next_due() == start + 100ms);
  CHECK(batch.due(start + 99ms).empty());
  CHECK(batch.due(start + 100ms) == indices{0});
  CHECK(batch.due(start + 150ms) == indices{0, 1});
}

TEST_CASE("each further wait is twice as long, up to the most") {
  outstanding batch(7, 1, policy);
  auto now = start;
  for (const auto wait : {100ms, 200ms, 300ms, 300ms}) {
    batch.sent(0, now);
    CHECK(batch.next_due() == now + wait);
    now += wait;
  }
}

TEST_CASE("a message that could not be taken now is due soon, and then waits as at first") {
  outstanding batch(7, 1, policy);
  batch.sent(0, start);
  batch.sent(0, start);
  batch.postpone(0, start + 1ms);
  CHECK(batch.next_due() == start + 11ms);
  batch.sent(0, start + 11ms);
  CHECK(batch.next_due() == start + 111ms);
}

TEST_CASE("a settled message is never due, open, or found again") {
  outstanding batch(7, 3, policy);
  batch.settle(1);
  batch.settle(1);
  CHECK(batch.due(start) == indices{0, 2});
  CHECK(batch.open() == indices{0, 2});
  CHECK_FALSE(batch.find(8).has_value());
  batch.lose_answers();
  CHECK(batch.due(start) == indices{0, 2});
  batch.settle(0);
  batch.settle(2);
  CHECK(batch.empty());
  CHECK(batch.open().empty());
  CHECK(batch.next_due() == outstanding::time_point::max());
}

TEST_CASE("a token finds its own message, and one of another batch finds none") {
  outstanding batch(7, 3, policy);
  for (std::size_t i = 0; i < 3; ++i) CHECK(batch.find(batch.token(i)) == i);
  for (const std::uint64_t foreign :
       {std::uint64_t{0}, std::uint64_t{6}, std::uint64_t{10}, ~std::uint64_t{0}}) {
    CHECK_FALSE(batch.find(foreign).has_value());
  }
}

TEST_CASE("when answers are lost, all that was sent is due at once") {
  outstanding batch(7, 2, policy);
  batch.sent(0, start);
  batch.sent(1, start);
  batch.lose_answers();
  CHECK(batch.due(start) == indices{0, 1});
  batch.sent(0, start);
  CHECK(batch.due(start + 100ms) == indices{0, 1});
}
