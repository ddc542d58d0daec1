#include "destinations/jetstream.hpp"

#include <algorithm>
#include <utility>

#include "destinations/jetstream_answer.hpp"
#include "destinations/jetstream_session.hpp"
#include "destinations/nats_subject.hpp"
#include "destinations/outstanding.hpp"

namespace nexus::destinations {

namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

/// How long the replies are waited for before the clock is looked at again.
constexpr milliseconds round_max{100};
/// Between two questions for the stream itself, and for one of them.
constexpr milliseconds stream_check_interval{1'000};
constexpr milliseconds stream_check_wait{1'000};
/// A server that takes a connection and then drops it does so again.
constexpr int connections_max = 4;

milliseconds left_until(clock::time_point deadline) {
  return std::max(std::chrono::duration_cast<milliseconds>(deadline - clock::now()),
                  milliseconds{0});
}

outcome no_overlap(const jetstream_options& options, const std::string& subject) {
  return {outcome_kind::config_fault,
          "stream \"" + options.stream + "\" does not have the subject \"" + subject + '"',
          {}};
}

bool covers(const stream_state& stream, const std::string& subject) {
  return std::any_of(stream.subjects.begin(), stream.subjects.end(),
                     [&](const auto& has) { return subjects_overlap(has, subject); });
}

/// One batch on its way.
class delivery {
 public:
  delivery(jetstream_session& session, const jetstream_options& options,
           std::span<const core::entry_ptr> batch, std::uint64_t first_token)
      : session_(session),
        options_(options),
        batch_(batch),
        deadline_(clock::now() + options.timeout),
        outcomes_(batch.size()),
        waiting_(first_token, batch.size(), {}) {}

  std::vector<outcome> run() {
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      if (!batch_[i]->payload_id.empty()) continue;
      settle(i, {outcome_kind::permanent, "the entry has no payload id", {}});
    }
    while (!waiting_.empty() && clock::now() < deadline_) {
      if (!session_.connected() && !connect()) break;
      send_due();
      receive();
      notice_refused_right();
      if (stream_in_doubt_) check_stream();
    }
    for (const auto i : waiting_.open()) {
      settle(i, {outcome_kind::unreachable, "not acknowledged in time" + last_trouble_, {}});
    }
    return std::move(outcomes_);
  }

  /// The connection is better not used again: it was silent, or what it says about rights may be
  /// outdated the next time.
  bool distrusts_connection() const { return (sent_ && !heard_) || right_refused_; }

 private:
  void settle(std::size_t message, outcome result) {
    outcomes_[message] = std::move(result);
    waiting_.settle(message);
  }

  void settle_all(const outcome& result) {
    for (const auto i : waiting_.open()) settle(i, result);
  }

  bool connect() {
    if (connections_++ == connections_max) {
      settle_all({outcome_kind::unreachable, "the server keeps closing the connection", {}});
      return false;
    }
    if (auto refused = session_.connect(left_until(deadline_))) {
      settle_all(*refused);
      return false;
    }
    waiting_.lose_answers();
    return true;
  }

  void send_due() {
    for (const auto i : waiting_.due(clock::now())) {
      if (clock::now() >= deadline_) return;
      auto refused = session_.publish(make_message(options_, *batch_[i]), waiting_.token(i));
      if (!refused) {
        waiting_.sent(i, clock::now());
        sent_ = true;
      } else if (refused->kind == outcome_kind::permanent) {
        settle(i, *std::move(refused));
      } else {
        last_trouble_ = " (" + refused->reason + ')';
        return;
      }
    }
  }

  /// Takes replies until the next message may be due.
  void receive() {
    const auto until = std::min({clock::now() + round_max, deadline_, waiting_.next_due()});
    while (!waiting_.empty() && session_.connected()) {
      const auto wait = left_until(until);
      const auto replies = session_.replies(waiting_.count(), wait);
      for (const auto& reply : replies) take(reply);
      if (replies.empty() || wait == milliseconds{0}) return;
    }
  }

  void take(const jetstream_reply& reply) {
    heard_ = true;
    const auto message = waiting_.find(reply.token);
    if (!message) return;
    if (reply.no_responders) {
      stream_in_doubt_ = true;
      last_trouble_ = " (no stream with a leader answered)";
      waiting_.postpone(*message, clock::now());
    } else if (auto answer = read_answer(reply.body, options_.stream)) {
      settle(*message, *std::move(answer));
    } else {
      last_trouble_ = " (the stream cannot take it now)";
      waiting_.postpone(*message, clock::now());
    }
  }

  /// A server does not answer a message that may not be published; it says so on the connection.
  void notice_refused_right() {
    const auto text = session_.refused_right();
    if (!text) return;
    right_refused_ = true;
    const outcome fault{outcome_kind::config_fault, *text, {}};
    if (text->find("ublish") == std::string::npos) return settle_all(fault);
    for (const auto i : waiting_.open()) {
      const auto subject = '"' + make_subject(options_.subject, *batch_[i]) + '"';
      if (text->find(subject) != std::string::npos) settle(i, fault);
    }
  }

  /// Tells a stream that is missing, or has other subjects, from one that has no leader right now.
  void check_stream() {
    if (waiting_.empty() || !session_.connected()) return;
    if (clock::now() - stream_checked_ < stream_check_interval) return;
    stream_state stream;
    const auto unanswered =
        session_.find_stream(stream, std::min(stream_check_wait, left_until(deadline_)));
    stream_checked_ = clock::now();
    if (unanswered) {
      if (unanswered->kind == outcome_kind::config_fault) settle_all(*unanswered);
      return;
    }
    stream_in_doubt_ = false;
    if (!stream.exists) return create_or_give_up();
    for (const auto i : waiting_.open()) {
      const auto subject = make_subject(options_.subject, *batch_[i]);
      if (!covers(stream, subject)) settle(i, no_overlap(options_, subject));
    }
  }

  void create_or_give_up() {
    if (!options_.create_stream) {
      return settle_all(
          {outcome_kind::config_fault, "stream \"" + options_.stream + "\" does not exist", {}});
    }
    if (auto refused = session_.create_stream(left_until(deadline_))) settle_all(*refused);
  }

  jetstream_session& session_;
  const jetstream_options& options_;
  const std::span<const core::entry_ptr> batch_;
  const clock::time_point deadline_;
  std::vector<outcome> outcomes_;
  outstanding waiting_;
  int connections_ = 0;
  bool sent_ = false;
  bool heard_ = false;
  bool right_refused_ = false;
  bool stream_in_doubt_ = false;
  clock::time_point stream_checked_{};
  std::string last_trouble_;
};

core::error to_error(const outcome& fault) {
  const auto code =
      fault.kind == outcome_kind::config_fault ? core::errc::bad_config : core::errc::unreachable;
  return {code, fault.reason};
}

class jetstream_destination final : public destination {
 public:
  explicit jetstream_destination(jetstream_options options)
      : options_(std::move(options)), session_(options_) {}

  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    if (std::exchange(distrusted_, false)) session_.close();
    delivery one(session_, options_, batch, next_token_);
    next_token_ += batch.size();
    auto outcomes = one.run();
    distrusted_ = one.distrusts_connection();
    return outcomes;
  }

  core::result<void> ping() override {
    const auto deadline = clock::now() + options_.timeout;
    if (std::exchange(distrusted_, false)) session_.close();
    if (!session_.connected()) {
      if (auto refused = session_.connect(left_until(deadline))) return to_error(*refused);
    }
    stream_state stream;
    if (auto unanswered = session_.find_stream(stream, left_until(deadline))) {
      if (const auto right = session_.refused_right()) {
        unanswered = outcome{outcome_kind::config_fault, *right, {}};
      }
      distrusted_ = true;
      return to_error(*unanswered);
    }
    const auto wildcard = template_wildcard(options_.subject);
    if (stream.exists && !covers(stream, wildcard)) return to_error(no_overlap(options_, wildcard));
    if (stream.exists || options_.create_stream) return {};
    return core::error{core::errc::bad_config, "stream \"" + options_.stream + "\" does not exist"};
  }

  core::result<std::vector<bool>> exists(std::span<const std::string>) override {
    return core::error{core::errc::unsupported,
                       "JetStream cannot look a message up by its id; read the stream instead"};
  }

 private:
  const jetstream_options options_;
  jetstream_session session_;
  /// Never used twice: a late answer to an earlier batch must find nothing.
  std::uint64_t next_token_ = 1;
  bool distrusted_ = false;
};

}  // namespace

std::unique_ptr<destination> make_jetstream(const jetstream_options& options) {
  return std::make_unique<jetstream_destination>(options);
}

}  // namespace nexus::destinations
