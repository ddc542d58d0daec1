#include "actors/window.hpp"

#include <map>
#include <random>
#include <set>

#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::actors;
using namespace std::chrono_literals;

namespace {

wal::pending_entry pending(wal::position at, const std::string& subject) {
  auto entry = std::make_shared<core::entry>(*test::make_entry("p" + std::to_string(at)));
  entry->subject = subject;
  return {at, entry};
}

std::vector<wal::position> places(const std::vector<travelling>& lent) {
  std::vector<wal::position> all;
  for (const auto& one : lent) all.push_back(one.at);
  return all;
}

using list = std::vector<wal::position>;
constexpr std::size_t any = 1 << 30;
const window::time_point now{};

}  // namespace

TEST_CASE(
    "a window gives back in order what was lent, and delayed entries first when they are due") {
  auto in = make_window(ordering::none, true);
  auto& held = *in;
  for (int i = 0; i < 4; ++i)
    held.add({static_cast<wal::position>(i), test::make_entry("p" + std::to_string(i))});
  auto lent = held.lend(2, 1 << 20);
  REQUIRE(lent.size() == 2);
  CHECK(held.entries() == 4);
  held.delay(std::move(lent[0]), now + 5s);
  held.release(lent[1]);
  CHECK(held.entries() == 3);
  CHECK(held.next_due() == now + 5s);
  held.wake(now + 4s);
  auto other = held.lend(1, 1 << 20);
  CHECK(other[0].entry->payload_id == "p2");
  held.put_back(std::move(other));
  held.wake(now + 5s);
  const auto rest = held.lend(10, 1 << 20);
  REQUIRE(rest.size() == 3);
  CHECK(rest[0].entry->payload_id == "p0");
  CHECK(rest[1].entry->payload_id == "p2");
  CHECK(rest[2].entry->payload_id == "p3");
}

TEST_CASE("a window lends one entry that is larger than the limit, and no more") {
  auto in = make_window(ordering::none, true);
  auto& held = *in;
  held.add(pending(0, "s"));
  held.add(pending(1, "s"));
  CHECK(held.lend(10, 1).size() == 1);
}

TEST_CASE("without an order an entry that waits holds up no other") {
  auto in = make_window(ordering::none, true);
  for (wal::position at = 0; at < 5; ++at) in->add(pending(at, "same"));
  auto lent = in->lend(2, any);
  CHECK(places(lent) == list{0, 1});
  in->delay(std::move(lent[0]), now + 1s);
  in->release(lent[1]);
  CHECK(places(in->lend(9, any)) == list{2, 3, 4});
  CHECK_FALSE(in->has_ready());
  in->wake(now + 1s);
  CHECK(places(in->lend(9, any)) == list{0});
  CHECK(in->entries() == 4);
}

TEST_CASE("the next entries of a key are lent when those before them are done") {
  auto in = make_window(ordering::subject, true);
  for (wal::position at = 0; at < 6; ++at) in->add(pending(at, at % 2 == 0 ? "even" : "odd"));
  auto first = in->lend(2, any);
  CHECK(places(first) == list{0, 2});
  auto second = in->lend(9, any);
  CHECK(places(second) == list{1, 3, 5});
  CHECK_FALSE(in->has_ready());
  in->release(first[0]);
  CHECK_FALSE(in->has_ready());
  in->release(first[1]);
  CHECK(places(in->lend(9, any)) == list{4});
}

TEST_CASE("a key whose first entry waits for its next attempt blocks only itself") {
  auto in = make_window(ordering::subject, true);
  for (wal::position at = 0; at < 6; ++at) in->add(pending(at, at % 2 == 0 ? "even" : "odd"));
  auto lent = in->lend(9, any);
  CHECK(places(lent) == list{0, 2, 4, 1, 3, 5});
  in->delay(std::move(lent[0]), now + 1s);
  in->put_back([&] {
    std::vector<travelling> back;
    back.push_back(std::move(lent[1]));
    back.push_back(std::move(lent[2]));
    return back;
  }());
  for (std::size_t i = 3; i < 6; ++i) in->release(lent[i]);
  CHECK_FALSE(in->has_ready());
  in->add(pending(6, "even"));
  in->add(pending(7, "odd"));
  CHECK(places(in->lend(9, any)) == list{7});
  CHECK(in->next_due() == now + 1s);
  in->wake(now + 1s);
  CHECK(places(in->lend(9, any)) == list{0, 2, 4, 6});
}

TEST_CASE("a key waits until all of its entries may be tried again") {
  auto in = make_window(ordering::subject, true);
  for (wal::position at = 0; at < 2; ++at) in->add(pending(at, "s"));
  auto lent = in->lend(9, any);
  in->delay(std::move(lent[0]), now + 5s);
  in->delay(std::move(lent[1]), now + 1s);
  in->wake(now + 1s);
  CHECK_FALSE(in->has_ready());
  CHECK(in->next_due() == now + 5s);
  in->wake(now + 5s);
  CHECK(places(in->lend(9, any)) == list{0, 1});
}

TEST_CASE("where a destination takes a batch in any order it holds one entry of a key") {
  auto in = make_window(ordering::subject, false);
  for (wal::position at = 0; at < 4; ++at) in->add(pending(at, at % 2 == 0 ? "even" : "odd"));
  CHECK_FALSE(in->has_ready(3));
  CHECK(places(in->lend(9, any)) == list{0, 1});
  CHECK_FALSE(in->has_ready());
}

TEST_CASE("an entry that a destination broke down over travels alone") {
  for (auto keep : {ordering::none, ordering::subject}) {
    auto in = make_window(keep, true);
    for (wal::position at = 0; at < 3; ++at) in->add(pending(at, "s"));
    auto lent = in->lend(2, any);
    lent[1].alone = true;
    in->put_back(std::move(lent));
    CHECK(places(in->lend(9, any)) == list{0});
    if (keep == ordering::none) {
      CHECK(places(in->lend(9, any)) == list{1});
      CHECK(places(in->lend(9, any)) == list{2});
    }
  }
}

TEST_CASE("keys that wait give their room up, and what was forgotten comes back in order") {
  auto in = make_window(ordering::subject, true);
  std::vector<wal::pending_entry> log;
  for (wal::position at = 0; at < 100; ++at) log.push_back(pending(at, at < 90 ? "ill" : "well"));
  for (wal::position at = 0; at < 95; ++at) in->add(log[at]);
  auto lent = in->lend(1, any);
  in->delay(std::move(lent[0]), now + 1s);
  REQUIRE(in->make_room());
  CHECK_FALSE(in->make_room());
  CHECK(in->entries() == 16 + 5);
  CHECK_FALSE(in->gap());
  in->add(pending(95, "ill"));  // behind the gap: not taken in
  CHECK(in->entries() == 16 + 5);

  in->wake(now + 1s);
  for (auto& one : lent = in->lend(16, any)) in->release(one);
  CHECK(lent.back().at == 15);
  auto gap = in->gap();
  REQUIRE(gap);
  CHECK(gap->key == "ill");
  CHECK(gap->from == 16);
  in->refill(gap->key, {log.begin() + 16, log.begin() + 50}, 50, 96);
  list seen;
  for (bool more = true; more;) {
    more = false;
    for (auto& one : lent = in->lend(7, any)) {
      if (one.entry->subject == "ill") seen.push_back(one.at);
      in->release(one);
      more = true;
    }
  }
  gap = in->gap();
  REQUIRE(gap);
  CHECK(gap->from == 50);
  auto rest = std::vector(log.begin() + 50, log.end());
  rest[45] = pending(95, "ill");
  in->refill(gap->key, rest, 100, 96);
  CHECK_FALSE(in->gap());
  in->add(pending(100, "ill"));
  for (bool more = true; more;) {
    more = false;
    for (auto& one : lent = in->lend(7, any)) {
      if (one.entry->subject == "ill") seen.push_back(one.at);
      in->release(one);
      more = true;
    }
  }
  list expected;
  for (wal::position at = 16; at < 90; ++at) expected.push_back(at);
  expected.push_back(95);
  expected.push_back(100);
  CHECK(seen == expected);
  CHECK(in->entries() == 0);
  CHECK(in->bytes() == 0);
}

TEST_CASE("of a key that is left for the next run nothing is lent any more") {
  auto in = make_window(ordering::subject, true);
  for (wal::position at = 0; at < 40; ++at) in->add(pending(at, at < 39 ? "left" : "other"));
  auto lent = in->lend(3, any);
  SECTION("while it is lent") {
    in->leave(lent[0]);
    in->put_back({lent[1], lent[2]});
  }
  SECTION("while it waits, with a gap") {
    in->delay(lent[0], now + 1s);
    in->put_back({lent[1], lent[2]});
    REQUIRE(in->make_room());
    in->leave_delayed();
  }
  in->add(pending(40, "left"));
  CHECK(in->entries() == 1);
  CHECK_FALSE(in->gap());
  CHECK_FALSE(in->next_due());
  CHECK(places(in->lend(9, any)) == list{39});
}

TEST_CASE("whatever happens, each key keeps its order and nothing is lost") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  auto pick = [&](unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random);
  };
  for (const bool in_order : {true, false}) {
    auto in = make_window(ordering::subject, in_order);
    std::vector<wal::pending_entry> log;
    for (wal::position at = 0; at < 2'000; ++at)
      log.push_back(pending(at, std::to_string(pick(7))));
    std::map<std::string, wal::position> last;
    std::set<wal::position> done;
    std::vector<std::vector<travelling>> out;
    wal::position cursor = 0;
    auto time = now;
    while (done.size() < log.size()) {
      time += 1ms;
      in->wake(time);
      if (in->entries() > 200 && pick(4) == 0) in->make_room();
      if (const auto gap = in->gap()) {
        const auto end = std::min<wal::position>(gap->from + 100, log.size());
        std::vector<wal::pending_entry> read;
        for (auto at = gap->from; at < end; ++at)
          if (!done.contains(at)) read.push_back(log[at]);
        in->refill(gap->key, read, end, cursor);
      }
      while (cursor < log.size() && in->entries() < 300) in->add(log[cursor++]);
      if (auto lent = in->lend(1 + pick(20), any); !lent.empty()) out.push_back(std::move(lent));
      if (out.empty() || pick(2) == 0) continue;
      auto back = std::move(out[pick(static_cast<unsigned>(out.size()))]);
      std::erase_if(out, [](const auto& batch) { return batch.empty(); });
      std::set<std::string> refused;
      for (auto& one : back) {
        const auto& subject = one.entry->subject;
        if (refused.contains(subject) || pick(5) == 0) {
          refused.insert(subject);
          in->delay(std::move(one), time + std::chrono::milliseconds(pick(30)));
          continue;
        }
        auto& before = last[subject];
        if (before > one.at + 1) FAIL("out of order");
        before = one.at + 1;
        done.insert(one.at);
        in->release(one);
      }
    }
    CHECK(in->entries() == 0);
  }
}
