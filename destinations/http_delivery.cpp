#include "destinations/http_delivery.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace nexus::destinations {

namespace {

bool is_about_server(const outcome& result) {
  return result.kind == outcome_kind::unreachable || result.kind == outcome_kind::config_fault;
}

class delivery {
 public:
  delivery(std::span<const core::entry_ptr> batch, const http_dialect& dialect)
      : batch_(batch), dialect_(dialect), outcomes_(batch.size()) {}

  /// The request for the next entry that can be put into one.
  std::optional<http_request> next() {
    while (!stop_ && next_ < batch_.size()) {
      const std::size_t index = next_++;
      auto request = dialect_.make(*batch_[index]);
      if (request) {
        request->tag = index;
        return *std::move(request);
      }
      outcomes_[index] = {outcome_kind::permanent, request.reason().text, {}};
    }
    return std::nullopt;
  }

  void take(std::size_t index, const http_reply& reply) {
    outcomes_[index] = dialect_.judge(reply);
    if (outcomes_[index].kind == outcome_kind::delivered) {
      last_delivered_ = std::max(last_delivered_, index + 1);
    }
    if (reply.how == http_end::timed_out) unanswered_.push_back(index);
    if (!stop_ && is_about_server(outcomes_[index])) stop_ = outcomes_[index];
  }

  std::vector<outcome> finish() {
    for (const std::size_t index : unanswered_) {
      if (index < last_delivered_) outcomes_[index].kind = outcome_kind::transient;
    }
    outcome unsent = stop_.value_or(outcome{outcome_kind::unreachable, "the time is over", {}});
    unsent.reason = "not sent: " + unsent.reason;
    std::fill(outcomes_.begin() + static_cast<std::ptrdiff_t>(next_), outcomes_.end(), unsent);
    return std::move(outcomes_);
  }

 private:
  const std::span<const core::entry_ptr> batch_;
  const http_dialect& dialect_;
  std::vector<outcome> outcomes_;
  std::size_t next_ = 0;
  std::size_t last_delivered_ = 0;  ///< Index of the last entry delivered so far, plus 1.
  std::vector<std::size_t> unanswered_;
  std::optional<outcome> stop_;  ///< What ended the sending.
};

}  // namespace

std::vector<outcome> deliver_each(http_multi& connections, std::chrono::milliseconds timeout,
                                  std::span<const core::entry_ptr> batch,
                                  const http_dialect& dialect) {
  delivery under_way(batch, dialect);
  connections.run(
      timeout, [&] { return under_way.next(); },
      [&](std::size_t index, const http_reply& reply) { under_way.take(index, reply); });
  return under_way.finish();
}

http_reply ask(http_multi& connections, std::chrono::milliseconds timeout, http_request request) {
  std::optional<http_request> only = std::move(request);
  http_reply answer;
  answer.problem = "the time is over";
  connections.run(
      timeout, [&] { return std::exchange(only, std::nullopt); },
      [&](std::size_t, const http_reply& reply) { answer = reply; });
  return answer;
}

}  // namespace nexus::destinations
