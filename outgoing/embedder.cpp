#include "outgoing/embedder.hpp"

#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/float_text.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "outgoing/http_calls.hpp"

namespace nexus::outgoing {
namespace {

namespace json = core::json;
using clock = std::chrono::steady_clock;

/// 65,536 numbers, spelled wastefully.
constexpr std::size_t answer_bytes_max = 4 * 1024 * 1024;

/// The member of a validated value; nothing if it is no object, or has none of that name.
std::optional<std::string_view> member_of(std::string_view raw, std::string_view name) {
  if (json::kind_of(raw) != json::kind::object) return std::nullopt;
  json::members all(raw);
  while (const auto* each = all.next())
    if (json::unquote(each->key) == name) return each->value;
  return std::nullopt;
}

std::optional<std::string_view> first_of(std::optional<std::string_view> raw) {
  if (!raw || json::kind_of(*raw) != json::kind::array) return std::nullopt;
  json::members all(*raw);
  const auto* first = all.next();
  return first == nullptr ? std::nullopt : std::optional(first->value);
}

std::string_view without_space(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// Empty: there is none in it.
std::vector<float> read_answer(std::string_view body, embedding_protocol protocol) {
  constexpr std::size_t depth_max = 32;
  if (!json::validate(body, depth_max)) return {};
  std::optional<std::string_view> raw = without_space(body);
  if (protocol == embedding_protocol::openai) raw = first_of(member_of(*raw, "data"));
  if (raw) raw = member_of(*raw, "embedding");
  if (!raw || json::kind_of(*raw) != json::kind::array) return {};
  std::vector<float> out;
  json::members all(*raw);
  while (const auto* each = all.next()) {
    const auto number = json::kind_of(each->value) == json::kind::number
                            ? json::parse_float32(each->value)
                            : std::nullopt;
    if (!number) return {};
    out.push_back(*number);
  }
  return out;
}

}  // namespace

struct embedder::impl {
  impl(embedder_options with, core::logger_ptr logger, core::metrics& metrics)
      : how(std::move(with)),
        log(std::move(logger)),
        latency(metrics.get_histogram("bubblefish_embedding_latency_seconds",
                                      "Time from a question for an embedding to its answer.")),
        failed(metrics.get_counter("bubblefish_embedding_failures_total",
                                   "Contents that got no embedding.", {{"reason", "failed"}})),
        busy(metrics.get_counter("bubblefish_embedding_failures_total",
                                 "Contents that got no embedding.", {{"reason", "busy"}})),
        calls(answer_bytes_max),
        thread([this] { loop(); }) {}

  struct question {
    http_call call;
    done_fn done;
    clock::time_point asked;
  };

  void loop();
  http_call make_call(std::string_view content) const;
  void begin(question one);
  void settle(const question& one, const http_reply& reply);
  /// What is wrong with the answer; empty: nothing, and `to` holds the embedding.
  std::string take(std::vector<float>& to, const http_reply& reply) const;

  const embedder_options how;
  const core::logger_ptr log;
  core::histogram& latency;
  core::counter& failed;
  core::counter& busy;
  http_calls calls;

  std::mutex mutex;
  std::vector<question> fresh;
  std::size_t under_way = 0;  ///< fresh ones as well
  bool stopping = false;

  bool failing = false;  ///< the thread's own
  std::thread thread;
};

embedder::embedder(embedder_options how, core::logger_ptr log, core::metrics& metrics)
    : impl_(std::make_unique<impl>(std::move(how), std::move(log), metrics)) {}

embedder::~embedder() {
  stop();
}

void embedder::embed(std::string_view content, done_fn done) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->stopping && impl_->under_way < impl_->how.calls_max) {
      ++impl_->under_way;
      impl_->fresh.push_back({impl_->make_call(content), std::move(done), clock::now()});
      if (impl_->fresh.size() == 1) impl_->calls.wake();
      return;
    }
  }
  impl_->busy.add();
  done({});
}

void embedder::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->calls.wake();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

void embedder::impl::loop() {
  for (;;) {
    std::vector<question> next;
    bool ends = false;
    {
      const std::lock_guard lock(mutex);
      next.swap(fresh);
      ends = stopping;
    }
    for (auto& one : next) begin(std::move(one));
    if (ends) return calls.abandon();
    calls.run(std::chrono::milliseconds(60'000));
  }
}

http_call embedder::impl::make_call(std::string_view content) const {
  const bool is_ollama = how.protocol == embedding_protocol::ollama;
  http_call call;
  call.url = how.url + (is_ollama ? "/api/embeddings" : "/v1/embeddings");
  if (!how.api_key.empty()) call.headers.push_back("Authorization: Bearer " + how.api_key);
  call.timeout = how.timeout;
  core::json_object body(call.body);
  body.text("model", how.model).text(is_ollama ? "prompt" : "input", content).end();
  return call;
}

void embedder::impl::begin(question one) {
  auto call = std::move(one.call);
  calls.begin(std::move(call),
              [this, one = std::move(one)](const http_reply& reply) { settle(one, reply); });
}

void embedder::impl::settle(const question& one, const http_reply& reply) {
  latency.observe(std::chrono::duration<double>(clock::now() - one.asked).count());
  std::vector<float> embedding;
  const std::string problem = take(embedding, reply);
  if (problem.empty()) {
    if (std::exchange(failing, false)) log->info("the embedding provider answers again");
  } else {
    failed.add();
    if (!std::exchange(failing, true))
      log->warn("entries are written without embeddings, " + host_of(how.url) + ": " + problem);
  }
  {
    const std::lock_guard lock(mutex);
    --under_way;
  }
  one.done(std::move(embedding));
}

std::string embedder::impl::take(std::vector<float>& to, const http_reply& reply) const {
  if (reply.status == 0) return reply.problem;
  if (reply.status < 200 || reply.status > 299) return "HTTP " + std::to_string(reply.status);
  auto found = read_answer(reply.body, how.protocol);
  if (found.empty()) return "there is no embedding in its answer";
  if (found.size() != how.dimensions)
    return "its embedding has " + std::to_string(found.size()) +
           " numbers, but daemon.embedding.dimensions is " + std::to_string(how.dimensions);
  to = std::move(found);
  return {};
}

}  // namespace nexus::outgoing
