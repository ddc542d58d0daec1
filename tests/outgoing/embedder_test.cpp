// Embeddings from a provider that is there, slow, broken or not there at all.
#include "outgoing/embedder.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "tests/outgoing/keeping_logger.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_receiver.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// What a call of embed came to.
class answer {
 public:
  outgoing::embedder::done_fn taker() {
    return [this](std::vector<float> value) {
      const std::lock_guard lock(mutex_);
      value_ = std::move(value);
      changed_.notify_all();
    };
  }
  std::vector<float> wait() {
    std::unique_lock lock(mutex_);
    REQUIRE(
        changed_.wait_for(lock, std::chrono::minutes(2), [this] { return value_.has_value(); }));
    return *value_;
  }
  bool is_there() {
    const std::lock_guard lock(mutex_);
    return value_.has_value();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::vector<float>> value_;
};

struct provider_house {
  provider_house() { ::setenv("no_proxy", "127.0.0.1", 1); }

  core::metrics metrics;
  std::shared_ptr<keeping_logger> log = std::make_shared<keeping_logger>();
  outgoing::embedder_options how = [] {
    outgoing::embedder_options standard;
    standard.model = "m";
    standard.dimensions = 3;
    return standard;
  }();
  std::unique_ptr<outgoing::embedder> embedder;

  /// The provider answers every question so.
  void answer_with(const http_receiver& receiver, const std::string& words) {
    how.url = receiver.url_to(words) + "/more";
    embedder = std::make_unique<outgoing::embedder>(how, log, metrics);
  }
  std::vector<float> ask(const std::string& content = "text") {
    answer got;
    embedder->embed(content, got.taker());
    return got.wait();
  }
  double failures(const std::string& reason) {
    return metrics.get_counter("bubblefish_embedding_failures_total", "", {{"reason", reason}})
        .value();
  }
};

/// Percent-encoded, for a word of a URL.
std::string body_word(const std::string& json) {
  std::string out = "body=";
  for (const char c : json) {
    constexpr const char* digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    (out += '%') += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("a provider that speaks as OpenAI does is asked for the content's embedding") {
  http_receiver receiver;
  provider_house house;
  house.how.api_key = "SESAME";
  house.answer_with(
      receiver, body_word(R"({"object":"list","data":[{"index":0,"embedding":[0.5,-1e-3,2]}]})"));
  CHECK(house.ask("a \"b\" <c>") == std::vector<float>{0.5F, -0.001F, 2.0F});
  const auto all = receiver.take();
  REQUIRE(all.requests.size() == 1);
  CHECK(all.requests[0].method == "POST");
  CHECK(all.requests[0].path.ends_with("/more/v1/embeddings"));
  CHECK(all.requests[0].body == R"({"model":"m","input":"a \"b\" \u003cc\u003e"})");
  CHECK(all.requests[0].headers.at("authorization") == "Bearer SESAME");
  CHECK(all.requests[0].headers.at("content-type") == "application/json");
  CHECK(house.log->text().empty());
}

TEST_CASE("so is one that speaks as Ollama does") {
  http_receiver receiver;
  provider_house house;
  house.how.protocol = outgoing::embedding_protocol::ollama;
  house.answer_with(receiver, body_word(R"({"embedding":[1,2,3]})"));
  CHECK(house.ask() == std::vector<float>{1, 2, 3});
  const auto all = receiver.take();
  REQUIRE(all.requests.size() == 1);
  CHECK(all.requests[0].path.ends_with("/more/api/embeddings"));
  CHECK(all.requests[0].body == R"({"model":"m","prompt":"text"})");
  CHECK_FALSE(all.requests[0].headers.contains("authorization"));
}

TEST_CASE("an answer that is no embedding is none, and is warned of once") {
  const std::string good = R"({"data":[{"embedding":[1,2,3]}]})";
  for (const std::string& words :
       {std::string("status=500"), std::string("status=404"), std::string("drop"),
        std::string("cut"), std::string("cut-body"), std::string("huge"),
        "status=302;" + body_word(good), body_word("not JSON"), body_word("[]"), body_word("{}"),
        body_word(R"({"data":[]})"), body_word(R"({"data":[{"embedding":[1,"2",3]}]})"),
        body_word(R"({"data":[{"embedding":[1,1e99,3]}]})"),
        body_word(R"({"data":[{"embedding":[1,2]}]})")}) {
    INFO(words);
    http_receiver receiver;
    provider_house house;
    house.how.calls_max = 1;  // the one that failed makes room for the next
    house.answer_with(receiver, words);
    CHECK(house.ask().empty());
    const std::string said = house.log->text();
    CHECK(said.starts_with("entries are written without embeddings, 127.0.0.1:"));
    if (words == "huge") CHECK(said.find("its answer is too long") != std::string::npos);
    CHECK(house.ask().empty());
    CHECK(house.log->text() == said);
    CHECK(house.failures("failed") == 2);
  }
}

TEST_CASE("an embedding of another length says what to set") {
  http_receiver receiver;
  provider_house house;
  house.answer_with(receiver, body_word(R"({"data":[{"embedding":[1,2]}]})"));
  CHECK(house.ask().empty());
  CHECK(house.log->text().find("has 2 numbers, but daemon.embedding.dimensions is 3") !=
        std::string::npos);
}

TEST_CASE("a provider that does not answer in time costs no more than the timeout") {
  http_receiver receiver;
  provider_house house;
  house.how.timeout = std::chrono::milliseconds(50);
  house.answer_with(receiver, "hang");
  CHECK(house.ask().empty());
  CHECK(house.failures("failed") == 1);
}

TEST_CASE("while too many questions are on their way the next ones get none at once") {
  http_receiver receiver;
  provider_house house;
  house.how.calls_max = 2;
  house.how.timeout = std::chrono::hours(1);
  house.answer_with(receiver, "hang");
  answer first, second, third;
  house.embedder->embed("1", first.taker());
  house.embedder->embed("2", second.taker());
  house.embedder->embed("3", third.taker());
  CHECK(third.is_there());
  CHECK(third.wait().empty());
  CHECK(house.failures("busy") == 1);
  CHECK_FALSE(first.is_there());
  // A stop tells those who wait.
  house.embedder->stop();
  CHECK(first.wait().empty());
  CHECK(second.wait().empty());
  CHECK(house.ask().empty());
}
