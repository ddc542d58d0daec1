#include "ingest/write.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/json_text.hpp"
#include "http/errors.hpp"
#include "ingest/access.hpp"
#include "ingest/payload.hpp"
#include "ingest/source_entries.hpp"
#include "ingest/write_answers.hpp"
#include "ingest/write_context.hpp"
#include "mapping/transform.hpp"

namespace nexus::ingest {
namespace {

/// One write request on its way. Kept alive by whoever has the next step: the caller, the
/// idempotency store while it waits for another request, or the log while the entry becomes
/// durable. Whoever drops it unanswered drops `respond_` (which answers 500) and the claim on its
/// idempotency key.
class write_request : public std::enable_shared_from_this<write_request> {
 public:
  write_request(services_ptr house, snapshot_ptr config, const active_source& source,
                http::request request, http::respond_fn respond)
      : house_(std::move(house)),
        config_(std::move(config)),
        source_(source),
        request_(std::move(request)),
        respond_(std::move(respond)),
        started_(house_->options.steady_clock()) {}

  void run() {
    if (auto refused = find_value()) return respond_(std::move(*refused));
    key_ = idempotency_key(request_);
    if (!source_.settings.idempotency_enabled || key_.empty()) return proceed();
    body_ = body_to_note(source_.settings, value_);
    auto turn = house_->idempotency.enter(
        source_.settings.name, key_, source_.settings.dedup_window,
        [self = shared_from_this()](auto later) { self->take(std::move(later)); });
    if (turn) take(std::move(*turn));
  }

 private:
  void take(idempotency_store::turn turn) {
    if (const auto* written = std::get_if<idempotency_store::original>(&turn))
      return respond_(repeated_response(*written, body_));
    claim_ = std::get<idempotency_store::claim>(std::move(turn));
    proceed();
  }

  void proceed() {
    auto refused = check_rate(*house_, *config_, request_, write_budget(source_));
    if (!refused) refused = translate();
    if (!refused) return embed();
    respond_(std::move(*refused));
    claim_ = {};
  }

  std::optional<http::response> find_value();
  std::optional<http::response> translate();
  /// Step 17, and then append().
  void embed();
  void append();
  bool waits_for_delivery() const { return source_.settings.ack == config::ack_level::delivered; }
  /// The entries are durable, or have not become so.
  void finish(const core::result<void>& outcome);
  /// For a client that waits for the delivery, after finish().
  void confirm(const core::delivery_report& report);

  const services_ptr house_;
  const snapshot_ptr config_;
  const active_source& source_;
  http::request request_;
  const http::respond_fn respond_;
  const std::chrono::steady_clock::time_point started_;
  std::string_view value_;                 ///< the first JSON value of the body, until `append`
  std::string key_;                        ///< the client's idempotency key, may be empty
  idempotency_store::body_digest body_{};  ///< where the source compares bodies
  idempotency_store::claim claim_;
  // Once it is translated:
  write_context context_;
  core::time_point received_;
  mapping::mapped_fields fields_;
  std::vector<float> embedding_;
  core::entry_ptr written_;  ///< the first of its entries
};

// What follows the first value is ignored, also beyond the limit. At the limit, a value that is not
// closed by a bracket might go on behind it.
std::optional<http::response> write_request::find_value() {
  const std::string_view body = request_.body;
  const auto length = core::json::value_length(body);
  if (length.ok()) {
    value_ = body.substr(0, *length);
    value_.remove_prefix(value_.find_first_not_of(" \t\r\n"));
    const auto kind = core::json::kind_of(value_);
    const bool closed = kind == core::json::kind::object || kind == core::json::kind::array;
    if (closed || *length < body.size() || !request_.body_truncated) return std::nullopt;
  }
  if (!request_.body_truncated)
    return http::error_response(400, "invalid_json",
                                "the body is not valid JSON: " + length.reason().text);
  return body_too_large_response(static_cast<std::uint64_t>(source_.settings.payload_bytes_max));
}

std::optional<http::response> write_request::translate() {
  fields_ = source_.fields.apply(value_);
  if (source_.settings.require_content && fields_.content.empty() && !fields_.too_large)
    return empty_content_response();
  if (auto refused = read_context(*house_, *config_, source_.settings, request_, context_))
    return refused;
  if (fields_.too_large) return entry_too_large_response();
  received_ = house_->options.clock();
  return std::nullopt;
}

void write_request::embed() {
  const auto& provider = house_->out.embed;
  if (!provider || mapping::trim(fields_.content).empty()) return append();
  provider(fields_.content, [self = shared_from_this()](std::vector<float> embedding) {
    self->embedding_ = std::move(embedding);
    self->append();
  });
}

void write_request::append() {
  // Not needed while the log writes, and it may be large. An assignment would keep the memory.
  std::string().swap(request_.body);
  const auto& settings = source_.settings;
  const source_entries made(settings, context_, received_, house_->options.clock());
  auto note = make_key_notes(house_->out, settings, {&key_, 1}, {&body_, 1}).front();
  auto entries = made.make({make_payload_id(), context_.request_id, std::exchange(fields_, {}),
                            key_, std::exchange(embedding_, {})},
                           std::move(note));
  written_ = entries.front();
  std::optional<core::confirmation> wanted;
  if (waits_for_delivery()) {
    wanted = {settings.ack_timeout,
              [self = shared_from_this()](const auto& report) { self->confirm(report); }};
  }
  house_->out.append(
      std::move(entries),
      [self = shared_from_this()](const core::result<void>& outcome) { self->finish(outcome); },
      std::move(wanted));
}

void write_request::finish(const core::result<void>& outcome) {
  if (!outcome.ok()) {
    respond_(append_failed_response(*house_, outcome.reason()));
    claim_ = {};
    return;
  }
  note_appended(*house_);
  source_.throughput.add();
  if (!waits_for_delivery()) {
    source_.write_latency.observe(house_->seconds_since(started_));
    respond_(accepted_response(written_->payload_id));
  }
  claim_.settle({written_->payload_id, body_});
}

void write_request::confirm(const core::delivery_report& report) {
  source_.write_latency.observe(house_->seconds_since(started_));
  respond_(delivery_response(written_->payload_id, source_.settings.target_destinations, report));
}

}  // namespace

void handle_write(const services_ptr& house, snapshot_ptr config, const active_source& source,
                  http::request request, http::respond_fn respond) {
  std::make_shared<write_request>(house, std::move(config), source, std::move(request),
                                  std::move(respond))
      ->run();
}

}  // namespace nexus::ingest
