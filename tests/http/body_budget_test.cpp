// The shares of bodies in one sum of memory, without connections.
#include "http/body_budget.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using nexus::http::body_budget;

namespace {

/// A share that notes when it gets what it stood in line for; of a client of its own, if none is
/// named.
struct body {
  explicit body(body_budget& of, const std::string& client = {})
      : share(std::in_place, of, client.empty() ? "client " + std::to_string(++bodies) : client,
              [this] { ++served; }) {}
  body(const body&) = delete;
  body& operator=(const body&) = delete;

  int served = 0;
  std::optional<body_budget::share> share;

 private:
  static inline int bodies = 0;
};

}  // namespace

TEST_CASE("shares that fit are given at once and come back when they end") {
  body_budget budget(100);
  {
    body first(budget);
    body second(budget);
    CHECK(first.share->grow(60));
    CHECK(second.share->grow(40));
    CHECK(first.share->grow(10));  // it has that already
    CHECK(budget.taken() == 100);
    first.share->shrink(20);
    CHECK(budget.taken() == 60);
    CHECK(budget.clients() == 2);
  }
  CHECK(budget.taken() == 0);
  CHECK(budget.clients() == 0);
}

TEST_CASE("a body that alone is larger than the sum comes through") {
  body_budget budget(100);
  body large(budget);
  for (std::size_t bytes = 50; bytes <= 500; bytes += 50) CHECK(large.share->grow(bytes));
  CHECK(budget.taken() == 500);
}

TEST_CASE("bodies that are half there do not wait for one another") {
  body_budget budget(100);
  std::vector<std::unique_ptr<body>> bodies;
  for (int i = 0; i < 4; ++i) {
    bodies.push_back(std::make_unique<body>(budget));
    REQUIRE(bodies.back()->share->grow(25));
  }
  // All want twice as much: the first one goes beyond the sum, the others stand in line.
  CHECK(bodies[0]->share->grow(50));
  for (int i = 1; i < 4; ++i) CHECK_FALSE(bodies[static_cast<std::size_t>(i)]->share->grow(50));
  CHECK(budget.taken() == 125);
  bodies[0]->share.reset();  // frees 50: room for one, and the next one is favoured
  CHECK(bodies[1]->served == 1);
  CHECK(bodies[2]->served == 1);
  CHECK(bodies[3]->served == 0);
  CHECK(budget.taken() == 125);
  bodies[2]->share.reset();
  CHECK(bodies[3]->served == 1);
  bodies[1]->share.reset();
  bodies[3]->share.reset();
  CHECK(budget.taken() == 0);
}

TEST_CASE("nobody overtakes the line, and who leaves it makes room for those behind") {
  body_budget budget(100);
  body favoured(budget), holder(budget), first(budget), second(budget), late(budget);
  REQUIRE(holder.share->grow(90));
  REQUIRE(favoured.share->grow(200));
  CHECK_FALSE(first.share->grow(95));
  CHECK_FALSE(second.share->grow(10));
  favoured.share->shrink(0);
  CHECK(first.served == 0);
  CHECK(second.served == 0);
  CHECK_FALSE(late.share->grow(1));
  first.share.reset();
  CHECK(second.served == 1);
  CHECK(late.served == 0);
  holder.share->shrink(80);
  CHECK(late.served == 1);
  CHECK(budget.taken() == 91);
}

TEST_CASE("one client has half of the sum and a body more, and does not hold up others") {
  body_budget budget(100);
  std::vector<std::unique_ptr<body>> greedy;
  for (int i = 0; i < 9; ++i) {
    greedy.push_back(std::make_unique<body>(budget, "greedy"));
    CHECK(greedy.back()->share->grow(20) == (i < 3));  // the third one is favoured
  }
  CHECK(budget.taken() == 60);
  body other(budget), third(budget);
  CHECK(other.share->grow(40));
  CHECK(third.share->grow(20));  // favoured by all
  CHECK_FALSE(greedy[2]->share->grow(30));
  greedy[0]->share.reset();  // 100 are taken
  CHECK(greedy[2]->served == 0);
  greedy[1]->share.reset();
  CHECK(greedy[2]->served == 1);
  CHECK(greedy[3]->served == 0);  // its client has room for it, all have not
  third.share.reset();
  CHECK(greedy[3]->served == 1);
  CHECK(greedy[4]->served == 0);
  greedy[2]->share.reset();
  CHECK(greedy[4]->served == 1);
  CHECK(greedy[5]->served == 1);  // the next one that is favoured
  CHECK(greedy[6]->served == 0);
  CHECK(budget.taken() == 100);
}

TEST_CASE("a share that shrinks makes room for the next one of its client") {
  body_budget budget(100);
  body first(budget, "client"), favoured(budget, "client"), next(budget, "client");
  REQUIRE(first.share->grow(50));
  REQUIRE(favoured.share->grow(30));
  CHECK_FALSE(next.share->grow(30));
  first.share->shrink(10);
  CHECK(next.served == 0);
  favoured.share->shrink(20);
  CHECK(next.served == 0);
  first.share->shrink(0);
  CHECK(next.served == 1);
}

TEST_CASE("who leaves the line of its client, or that of all, takes back what it was to have") {
  body_budget budget(100);
  body holder(budget), favoured(budget);
  REQUIRE(holder.share->grow(90));
  REQUIRE(favoured.share->grow(20));
  std::vector<std::unique_ptr<body>> greedy;
  for (int i = 0; i < 4; ++i) {
    greedy.push_back(std::make_unique<body>(budget, "greedy"));
    REQUIRE_FALSE(greedy.back()->share->grow(20));
  }
  greedy[0].reset();  // was in the line of all
  greedy[3].reset();  // was in the line of its client, or has come into that of all
  holder.share.reset();
  CHECK(greedy[1]->served == 1);
  CHECK(greedy[2]->served == 1);
  CHECK(budget.taken() == 60);
  greedy.clear();
  favoured.share.reset();
  CHECK(budget.taken() == 0);
  CHECK(budget.clients() == 0);
}

TEST_CASE("however bodies come, grow and go, all are served and never more than one is above") {
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr std::size_t sum = 1000;
  constexpr std::size_t largest = 400;
  constexpr std::size_t clients = 3;
  body_budget budget(sum);
  struct one {
    one(body_budget& of, std::size_t whose)
        : client(whose), content(of, "client" + std::to_string(whose)) {}
    std::size_t client;
    body content;
    std::size_t has = 0;
    std::size_t granted = 0;
    bool waits = false;
    int served_before = 0;
  };
  std::vector<std::unique_ptr<one>> all;
  int finished = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (all.size() < 20) all.push_back(std::make_unique<one>(budget, random() % clients));
    for (auto& each : all)
      if (each->waits && each->content.served > each->served_before) each->waits = false;
    std::array<std::size_t, clients> taken{};
    for (auto& each : all) {
      if (!each->waits) each->granted = each->has;
      taken[each->client] += each->granted;
    }
    for (const std::size_t one : taken) REQUIRE(one <= sum / 2 + 2 * largest);
    std::vector<std::size_t> can_go_on;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (!all[i]->waits) can_go_on.push_back(i);
    REQUIRE_FALSE(can_go_on.empty());  // else they wait for one another
    const std::size_t at = can_go_on[random() % can_go_on.size()];
    one& each = *all[at];
    if (each.has >= largest) {
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
      ++finished;
    } else {
      each.has = std::min<std::size_t>(each.has + 1 + random() % 100, largest);
      each.served_before = each.content.served;
      each.waits = !each.content.share->grow(each.has);
    }
    REQUIRE(budget.taken() <= sum + largest);
  }
  CHECK(finished > 1000);
  all.clear();
  CHECK(budget.taken() == 0);
}
