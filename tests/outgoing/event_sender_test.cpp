// Events against real receivers: who gets them, and what becomes of them where nobody does.
#include "outgoing/event_sender.hpp"

#include <string>
#include <vector>

#include "tests/outgoing/keeping_logger.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/support/wait_until.hpp"

using namespace nexus;
using namespace nexus::test;
using std::chrono::milliseconds;

namespace {

core::entry_ptr entry_with(const std::string& id, const std::string& payload = R"({"n":1})") {
  auto entry = std::make_shared<core::entry>();
  entry->payload_id = id;
  entry->timestamp = "2026-01-01T00:00:00Z";
  entry->source = "src";
  entry->destination = "d";
  entry->subject = "a <b>";
  entry->actor_type = "user";
  entry->actor_id = "me";
  entry->payload = payload;
  return entry;
}

struct sender_house {
  sender_house() { ::setenv("no_proxy", "127.0.0.1", 1); }

  core::metrics metrics;
  std::shared_ptr<keeping_logger> log = std::make_shared<keeping_logger>();
  outgoing::event_options how = [] {
    outgoing::event_options standard;
    standard.backoff = {milliseconds(1)};
    return standard;
  }();
  std::unique_ptr<outgoing::event_sender> sender;

  void add(const std::string& name, const std::string& url, bool full = false) {
    how.sinks.push_back({name, url, milliseconds(60'000), 3, full});
  }
  outgoing::event_sender& start() {
    sender = std::make_unique<outgoing::event_sender>(how, log, metrics);
    return *sender;
  }
  void write(const std::string& id, const std::string& payload = R"({"n":1})") {
    sender->written(std::vector<core::entry_ptr>{entry_with(id, payload)});
  }
  double count(const std::string& what) {
    return metrics.get_counter("bubblefish_events_" + what + "_total", "").value();
  }
  void wait_for(const std::string& what, double number) {
    wait_until([&] { return count(what) >= number; });
  }
};

/// A URL where nobody listens.
std::string dead_url() {
  return "http://127.0.0.1:1/hook";
}

}  // namespace

TEST_CASE("a sink is told of an entry with the entry's own time, or with the whole payload") {
  http_receiver plain, whole;
  sender_house house;
  house.add("plain", plain.url() + "/hook?token=x");
  house.add("whole", whole.url() + "/hook", true);
  house.start();
  house.write("id1", R"({"content":"\u003c","n":1.0})");
  house.wait_for("delivered", 2);
  const std::string common =
      R"({"event_type":"memory_written","payload_id":"id1","source":"src",)"
      R"("subject":"a \u003cb\u003e","destination":"d","timestamp":"2026-01-01T00:00:00Z",)"
      R"("actor_type":"user","actor_id":"me")";
  const auto short_one = plain.take();
  REQUIRE(short_one.requests.size() == 1);
  CHECK(short_one.requests[0].body == common + "}");
  CHECK(short_one.requests[0].method == "POST");
  CHECK(short_one.requests[0].path == "/hook?token=x");
  CHECK(short_one.requests[0].headers.at("content-type") == "application/json");
  const auto long_one = whole.take();
  REQUIRE(long_one.requests.size() == 1);
  CHECK(long_one.requests[0].body == common + R"(,"content":{"content":"\u003c","n":1.0}})");
}

TEST_CASE("a sink where nobody listens, and one that never answers, hold up no other") {
  http_receiver live, hanging;
  sender_house house;
  house.add("dead", dead_url());
  house.add("hanging", hanging.url_to("hang"));
  house.add("live", live.url());
  house.start();
  for (int i = 0; i < 50; ++i) house.write("id" + std::to_string(i));
  house.wait_for("delivered", 50);
  CHECK(live.take().requests.size() == 50);
  house.wait_for("failed", 50);
  CHECK(house.count("dropped") == 0);
}

TEST_CASE(
    "an event that is refused is sent again, as often as the sink allows, and then given up") {
  http_receiver receiver;
  sender_house house;
  house.add("refusing", receiver.url_to("status=500"));
  house.start();
  house.write("id1");
  house.wait_for("failed", 1);
  CHECK(receiver.take().requests.size() == 4);
  CHECK(house.count("delivered") == 0);
  CHECK(house.log->text().find("\"refusing\" (127.0.0.1:") != std::string::npos);
  CHECK(house.log->text().find("HTTP 500") != std::string::npos);
}

TEST_CASE("only an answer of 2xx counts, a redirect does not") {
  for (const auto* words :
       {"status=302;header=Location:/", "status=404", "drop", "cut", "cut-body"}) {
    INFO(words);
    http_receiver receiver;
    sender_house house;
    house.add("s", receiver.url_to(words));
    house.start();
    house.write("id1");
    house.wait_for("failed", 1);
    CHECK(house.count("delivered") == 0);
  }
  http_receiver receiver;
  sender_house house;
  house.add("s", receiver.url_to("status=204"));
  house.start();
  house.write("id1");
  house.wait_for("delivered", 1);
}

TEST_CASE(
    "while a full buffer waits, events are dropped and counted, and the writer does not wait") {
  http_receiver receiver;
  sender_house house;
  house.how.events_max = 3;
  house.add("hanging", receiver.url_to("hang"));
  house.start();
  for (int i = 0; i < 10; ++i) house.write("id" + std::to_string(i));
  CHECK(house.count("dropped") == 7);
  CHECK(house.log->text().find("its buffer is full") != std::string::npos);
}

TEST_CASE("the buffer of a sink that wants payloads is bounded in bytes as well") {
  http_receiver receiver;
  sender_house house;
  house.how.bytes_max = 10'000;
  house.add("hanging", receiver.url_to("hang"), true);
  house.start();
  const std::string payload = "\"" + std::string(20'000, 'x') + "\"";
  house.write("larger than the buffer, but alone", payload);
  CHECK(house.count("dropped") == 0);
  house.write("the next");
  CHECK(house.count("dropped") == 1);
}

TEST_CASE("what was sent leaves its room in the buffer to others") {
  http_receiver receiver;
  sender_house house;
  // Of four; at most three are there at a time: the one before may be counted as sent first.
  house.how.bytes_max = 10'000;
  house.add("live", receiver.url(), true);
  house.start();
  const std::string payload = "\"" + std::string(2'000, 'x') + "\"";
  for (int i = 1; i <= 20; ++i) {
    house.write("first", payload);
    house.write("second", payload);
    wait_until([&] { return house.count("delivered") + house.count("dropped") == 2 * i; });
  }
  CHECK(house.count("dropped") == 0);
}

TEST_CASE("at a stop what waits is tried once more without waiting for its time") {
  http_receiver receiver;
  sender_house house;
  house.how.backoff = {std::chrono::hours(1)};
  house.add("refusing", receiver.url_to("status=503"));
  house.start();
  house.write("id1");
  house.wait_for("retried", 1);
  CHECK(receiver.take().requests.size() == 1);
  house.sender->stop(std::chrono::seconds(60));
  CHECK(receiver.take().requests.size() == 1);
  CHECK(house.count("failed") == 1);
  house.write("after the stop");
  CHECK(house.count("dropped") == 1);
}

TEST_CASE("a stop gives up what takes longer than its budget, and counts it") {
  http_receiver receiver;
  sender_house house;
  house.add("hanging", receiver.url_to("hang"));
  house.start();
  for (int i = 0; i < 20; ++i) house.write("id" + std::to_string(i));
  house.sender->stop(milliseconds(0));
  CHECK(house.count("dropped") + house.count("failed") == 20);
}

TEST_CASE("a stop without a budget counts also what waits for its next attempt") {
  http_receiver receiver;
  sender_house house;
  house.how.backoff = {std::chrono::hours(1)};
  house.add("refusing", receiver.url_to("status=503"));
  house.start();
  for (int i = 0; i < 20; ++i) house.write("id" + std::to_string(i));
  house.wait_for("retried", 20);
  house.sender->stop(milliseconds(0));
  CHECK(house.count("dropped") + house.count("failed") == 20);
}

TEST_CASE("a sink that names a time is left alone for that time") {
  http_receiver receiver;
  sender_house house;
  house.add("busy", receiver.url_to("status=429;header=Retry-After:3600"));
  house.start();
  house.write("id1");
  std::size_t requests = 0;
  wait_until([&] { return (requests += receiver.take().requests.size()) == 1; });
  // Without the header it would have been tried three times more by the time that this one is.
  http_receiver other;
  sender_house beside;
  beside.add("refusing", other.url_to("status=500"));
  beside.start();
  beside.write("id1");
  beside.wait_for("failed", 1);
  CHECK(receiver.take().requests.empty());
  CHECK(house.count("failed") == 0);
}

TEST_CASE("no message shows more of a sink's URL than its host") {
  sender_house house;
  house.how.events_max = 1;
  house.add("secret", "http://user:SESAME@127.0.0.1:1/SESAME?token=SESAME#SESAME");
  house.start();
  for (int i = 0; i < 5; ++i) house.write("id");
  house.wait_for("failed", 1);
  house.sender->stop(milliseconds(0));
  CHECK(house.log->text().find("\"secret\" (127.0.0.1:1)") != std::string::npos);
  CHECK(house.log->text().find("SESAME") == std::string::npos);
}
