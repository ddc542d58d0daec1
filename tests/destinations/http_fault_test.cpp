// What becomes of entries when the receiver refuses, is slow, or is not there.
#include <chrono>
#include <ctime>
#include <map>

#include "destinations/http.hpp"
#include "tests/destinations/http_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::destinations;
using namespace nexus::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::map<outcome_kind, std::size_t> counted(const std::vector<outcome>& outcomes) {
  std::map<outcome_kind, std::size_t> counts;
  for (const auto& each : outcomes) ++counts[each.kind];
  return counts;
}

std::unique_ptr<destination> made_with(const std::string& url, std::size_t concurrency,
                                       milliseconds timeout = seconds(30)) {
  http_options options;
  options.url = url;
  options.concurrency = concurrency;
  options.timeout = timeout;
  return made(options);
}

std::vector<core::entry_ptr> good_entries(std::size_t count) {
  std::vector<core::entry_ptr> batch;
  for (std::size_t i = 0; i < count; ++i) batch.push_back(entry_that("id" + std::to_string(i)));
  return batch;
}

std::string http_date(std::time_t when) {
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

}  // namespace

TEST_CASE("refused entries fail alone among good ones") {
  http_receiver receiver;
  const auto to = made_for(receiver.url());
  auto batch = good_entries(30);
  batch[3] = entry_that("bad", "status=422");
  batch[9] = entry_that("odd", "status=500");
  batch[14] = entry_with("", "{}");
  batch[15] = entry_with("two\r\nX-Other: y", "{}");
  const auto outcomes = to->deliver(batch);
  REQUIRE(outcomes.size() == 30);
  CHECK(outcomes[3].kind == outcome_kind::permanent);
  CHECK(outcomes[9].kind == outcome_kind::transient);
  CHECK(outcomes[14].kind == outcome_kind::permanent);
  CHECK(outcomes[15].kind == outcome_kind::permanent);
  CHECK(counted(outcomes)[outcome_kind::delivered] == 26);
  CHECK(receiver.take().requests.size() == 28);
}

TEST_CASE("after an answer that is about the server the rest of the batch is not sent") {
  const std::map<std::string, outcome_kind> answers{{"503", outcome_kind::unreachable},
                                                    {"429", outcome_kind::unreachable},
                                                    {"401", outcome_kind::config_fault},
                                                    {"404", outcome_kind::config_fault}};
  for (const auto& [status, kind] : answers) {
    INFO(status);
    http_receiver receiver;
    const auto to = made_with(receiver.url(), 1);
    auto batch = good_entries(20);
    batch[4] = entry_that("last", "status=" + status + ";header=Retry-After:7");
    const auto outcomes = to->deliver(batch);
    CHECK(receiver.take().requests.size() == 5);
    CHECK(counted(outcomes)[outcome_kind::delivered] == 4);
    CHECK(counted(outcomes)[kind] == 16);
    CHECK(outcomes[4].retry_after == seconds(7));
    CHECK(outcomes[19].reason == "not sent: " + outcomes[4].reason);
    CHECK(outcomes[19].retry_after == seconds(7));
  }
}

TEST_CASE("requests that are under way when the server gives up are waited for") {
  http_receiver receiver;
  const auto to = made_with(receiver.url(), 4);
  auto batch = good_entries(20);
  batch[0] = entry_that("down", "together=4;status=503");
  for (std::size_t i = 1; i < 4; ++i) batch[i] = entry_that("ok", "together=4");
  const auto outcomes = to->deliver(batch);
  for (std::size_t i = 1; i < 4; ++i) CHECK(outcomes[i].kind == outcome_kind::delivered);
  CHECK(outcomes[0].kind == outcome_kind::unreachable);
  CHECK(outcomes[19].kind == outcome_kind::unreachable);
}

TEST_CASE("Retry-After is taken as seconds and as a date") {
  http_receiver receiver;
  const auto to = made_for(receiver.url());
  const auto asked = [&](const std::string& value) {
    return deliver_one(*to, entry_that("a", "status=429;header=Retry-After:" + value)).retry_after;
  };
  CHECK(asked("120") == seconds(120));
  CHECK_FALSE(asked("0").has_value());
  CHECK_FALSE(asked("-5").has_value());
  CHECK_FALSE(asked("soon").has_value());
  CHECK_FALSE(asked("Sun, 06 Nov 1994 08:49:37 GMT").has_value());
  const auto date = asked(http_date(std::time(nullptr) + 3600));
  REQUIRE(date.has_value());
  CHECK(*date <= seconds(3600));
  CHECK(*date > seconds(3000));
  CHECK(asked("99999999999999999999").value_or(seconds(1)) > seconds(0));
  CHECK_FALSE(deliver_one(*to, entry_that("a", "status=429")).retry_after.has_value());
}

TEST_CASE("a receiver that is not there costs nothing, and is found when it is back") {
  auto receiver = std::make_unique<http_receiver>();
  const std::uint16_t port = receiver->port();
  const auto to = made_for(receiver->url());
  CHECK(deliver_one(*to, entry_that("a")).kind == outcome_kind::delivered);
  receiver.reset();

  const auto outcomes = to->deliver(good_entries(20));
  CHECK(counted(outcomes)[outcome_kind::unreachable] == 20);
  const auto pinged = to->ping();
  REQUIRE_FALSE(pinged.ok());
  CHECK(pinged.reason().code == core::errc::unreachable);

  http_receiver::options same;
  same.port = port;
  http_receiver again(same);
  CHECK(counted(to->deliver(good_entries(20)))[outcome_kind::delivered] == 20);
  CHECK(again.take().requests.size() == 20);
}

TEST_CASE("a host that does not exist is unreachable") {
  const auto to = made_for("http://nowhere.invalid/hook?token=hush");
  const auto result = deliver_one(*to, entry_that("a"));
  CHECK(result.kind == outcome_kind::unreachable);
  CHECK(result.reason.starts_with("http://nowhere.invalid: "));
  CHECK(result.reason.find("hush") == std::string::npos);
}

TEST_CASE("a server that closes before the end of the head is unreachable") {
  http_receiver receiver;
  const auto to = made_for(receiver.url());
  for (const std::string words : {"drop", "cut"}) {
    const auto result = deliver_one(*to, entry_that("a", words));
    CHECK(result.kind == outcome_kind::unreachable);
    CHECK(result.reason.starts_with(receiver.url() + ": "));
    CHECK(result.reason.find("No error") == std::string::npos);
  }
}

TEST_CASE("a whole head counts, whatever becomes of the body") {
  http_receiver receiver;
  const auto to = made_for(receiver.url());
  CHECK(deliver_one(*to, entry_that("a", "cut-body")).kind == outcome_kind::delivered);
  CHECK(deliver_one(*to, entry_that("a", "cut-body;status=422")).kind == outcome_kind::permanent);
  CHECK(deliver_one(*to, entry_that("a", "huge")).kind == outcome_kind::delivered);
  CHECK(deliver_one(*to, entry_that("a", "huge;status=500")).kind == outcome_kind::transient);
  CHECK(deliver_one(*to, entry_that("a")).kind == outcome_kind::delivered);
}

TEST_CASE("a huge answer is not read to its end: its connection is given up instead") {
  http_receiver receiver;
  const auto to = made_with(receiver.url(), 1);
  for (const std::string words : {"", "", "huge", ""}) {
    CHECK(deliver_one(*to, entry_that("a", words)).kind == outcome_kind::delivered);
  }
  const auto all = receiver.take().requests;
  REQUIRE(all.size() == 4);
  CHECK(all[0].connection == all[2].connection);
  CHECK(all[2].connection != all[3].connection);
}

TEST_CASE("a server that hangs is unreachable once the time is over, and so is the rest") {
  http_receiver receiver;
  const auto to = made_with(receiver.url(), 2, milliseconds(1500));
  auto batch = good_entries(10);
  batch[0] = entry_that("a", "hang");
  batch[1] = entry_that("b", "hang");
  const auto outcomes = to->deliver(batch);
  CHECK(counted(outcomes)[outcome_kind::unreachable] == 10);
  CHECK(receiver.take().requests.size() == 2);
  CHECK(outcomes[9].reason.starts_with("not sent: "));
}

TEST_CASE("an entry that alone gets no answer is refused for itself") {
  http_receiver receiver;
  const auto to = made_with(receiver.url(), 2, milliseconds(3000));
  auto batch = good_entries(4);
  batch[1] = entry_that("a", "hang");
  const auto outcomes = to->deliver(batch);
  CHECK(outcomes[1].kind == outcome_kind::transient);
  CHECK(counted(outcomes)[outcome_kind::delivered] == 3);
}

TEST_CASE("no time means nothing is sent") {
  http_receiver receiver;
  const auto to = made_with(receiver.url(), 2, milliseconds(0));
  CHECK(counted(to->deliver(good_entries(3)))[outcome_kind::unreachable] == 3);
  CHECK_FALSE(to->ping().ok());
  CHECK(receiver.take().requests.empty());
}

TEST_CASE("a redirect is not followed, and its target is named without its path") {
  http_receiver receiver;
  const auto to = made_for(receiver.url());
  const std::string words = "status=307;header=Location:" + receiver.url() + "/else?token=hush";
  const auto result = deliver_one(*to, entry_that("a", words));
  CHECK(result.kind == outcome_kind::config_fault);
  CHECK(result.reason == receiver.url() + " answered 307, a redirect to 127.0.0.1:" +
                             std::to_string(receiver.port()) + "; redirects are not followed");
  CHECK(receiver.take().requests.size() == 1);
}

TEST_CASE("no secret and nothing of a payload or an answer comes into a reason") {
  http_receiver receiver;
  http_options options;
  options.url = receiver.url() + "/hook?token=hush-url";
  options.api_key = "hush-key";
  options.headers = {{"X-Key", "hush-header"}};
  options.signing_secret = "hush-signing";
  options.timeout = milliseconds(400);
  const auto to = made(options);
  for (const std::string words :
       {"status=302;header=Location:/x?t=hush-location", "status=401;body=hush-body",
        "status=422;body=hush-body", "status=500;body=hush-body", "status=503;body=hush-body",
        "cut", "hang", "status=407;header=Proxy-Authenticate:hush"}) {
    INFO(words);
    const auto entry = entry_with("hush-id", R"({"do":")" + words + R"(","text":"hush-payload"})");
    const auto result = deliver_one(*to, entry);
    CHECK(result.kind != outcome_kind::delivered);
    CHECK_FALSE(result.reason.empty());
    CHECK(result.reason.find("hush") == std::string::npos);
    CHECK(result.reason.find('\n') == std::string::npos);
  }
}
