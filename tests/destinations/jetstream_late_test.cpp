// An answer that comes when its batch has been given up.
#include <string>
#include <string_view>
#include <thread>

#include <nats/nats.h>

#include "destinations/nats_handle.hpp"
#include "tests/destinations/jetstream_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace nexus::test;

namespace {

/// Takes what is published under a subject, as a stream does, but acknowledges the first message
/// only when one comes that holds `word`, and nothing else.
class slow_stream {
 public:
  slow_stream(const std::string& url, const char* subject, std::string word)
      : word_(std::move(word)) {
    natsConnection* connected = nullptr;
    REQUIRE(natsConnection_ConnectTo(&connected, url.c_str()) == NATS_OK);
    connection_.reset(connected);
    natsSubscription* made = nullptr;
    REQUIRE(natsConnection_SubscribeSync(&made, connected, subject) == NATS_OK);
    subscription_.reset(made);
    REQUIRE(natsConnection_Flush(connected) == NATS_OK);
    thread_ = std::thread([this] { serve(); });
  }
  ~slow_stream() { thread_.join(); }

 private:
  void serve() {
    constexpr int longest_ms = 60'000;
    std::string first;
    natsMsg* next = nullptr;
    while (natsSubscription_NextMsg(&next, subscription_.get(), longest_ms) == NATS_OK) {
      const nats_handle<natsMsg, natsMsg_Destroy> message(next);
      if (first.empty()) first = natsMsg_GetReply(next);
      const std::string_view data(natsMsg_GetData(next),
                                  static_cast<std::size_t>(natsMsg_GetDataLength(next)));
      if (data.find(word_) == data.npos) continue;
      natsConnection_PublishString(connection_.get(), first.c_str(), R"({"stream":"S","seq":1})");
      natsConnection_Flush(connection_.get());
      return;
    }
  }

  const std::string word_;
  nats_handle<natsConnection, natsConnection_Destroy> connection_;
  nats_handle<natsSubscription, natsSubscription_Destroy> subscription_;
  std::thread thread_;
};

/// One that the stream takes, and one that it does not.
std::vector<nexus::core::entry_ptr> batch_of(const std::string& prefix) {
  auto late = make_entry(prefix + "-late");
  late->subject = "late";
  return {make_entry(prefix + "-chat"), late};
}

}  // namespace

TEST_CASE("an answer to a batch that was given up confirms nothing of the next one") {
  nats_cluster cluster;
  cluster.add_stream({.name = "S", .subjects = {"nexus.chat"}});
  auto how = events_settings(cluster.urls());
  how.values["subject"] = "nexus.{subject}";
  how.timeout = std::chrono::seconds(1);
  const auto events = make_events(how);
  const slow_stream other(cluster.url(0), "nexus.late", "second-late");
  for (const std::string prefix : {"first", "second"}) {
    INFO(prefix);
    const auto outcomes = events->deliver(batch_of(prefix));
    REQUIRE(outcomes.size() == 2);
    CHECK(outcomes[0].kind == outcome_kind::delivered);
    CHECK(outcomes[1].kind == outcome_kind::unreachable);
  }
}
