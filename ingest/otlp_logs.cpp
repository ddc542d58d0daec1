#include "ingest/otlp_logs.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "http/errors.hpp"
#include "ingest/media_type.hpp"
#include "ingest/otlp_document.hpp"
#include "ingest/write_answers.hpp"
#include "ingest/write_context.hpp"
#include "ingest/write_many.hpp"

namespace nexus::ingest {
namespace {

/// An exporter that is answered 500 throws the records away, so our own trouble is "unavailable".
constexpr std::int64_t retry_seconds = 5;

/// google.rpc.Code of an HTTP status.
int rpc_code(int status) {
  switch (status) {
    case 401:
      return 16;  // UNAUTHENTICATED
    case 403:
      return 7;  // PERMISSION_DENIED
    case 429:
      return 8;  // RESOURCE_EXHAUSTED
    case 500:
      return 13;  // INTERNAL
    case 503:
      return 14;  // UNAVAILABLE
    default:
      return 3;  // INVALID_ARGUMENT
  }
}

bool is_retryable(int status) {
  return status == 429 || status >= 500;
}

http::response logs_response(std::span<const write_item> items) {
  const write_item* refused = nullptr;
  std::int64_t count = 0;
  for (const auto& item : items) {
    if (!item.refusal) continue;
    // A record that is named as rejected is never sent again: this one shall be.
    if (is_retryable(item.refusal->status)) return *item.refusal;
    if (refused == nullptr) refused = &item;
    ++count;
  }
  if (refused != nullptr && count == static_cast<std::int64_t>(items.size()))
    return *refused->refusal;
  http::response answer;
  answer.body = "{}";
  if (refused == nullptr) return answer;
  answer.body.clear();
  core::json_object body(answer.body);
  core::json_object(body.start("partialSuccess"))
      .text("rejectedLogRecords", std::to_string(count))
      .text("errorMessage", refused->refusal->error_message)
      .end();
  body.end();
  return answer;
}

/// Fills in the items; or says what is wrong with all of them.
std::optional<http::response> read_records(std::string_view body, const log_limits& limits,
                                           std::string_view key,
                                           const config::source_config& source, write_list& list) {
  if (const auto valid = core::json::validate(body); !valid)
    return http::error_response(400, "invalid_json",
                                "the body is not valid JSON: " + valid.reason().text);
  body.remove_prefix(body.find_first_not_of(" \t\r\n"));
  const auto bytes_max = static_cast<std::uint64_t>(source.payload_bytes_max);
  const auto read = for_each_log_record(body, limits, [&](core::result<std::string> record) {
    auto& item = list.items.emplace_back();
    if (!record) {
      item.refusal = refuse_item(http::error_response(400, "invalid_record", record.reason().text));
    } else if (record->size() > bytes_max) {
      item.refusal = refuse_item(value_too_large_response(bytes_max));
    } else {
      item.value = list.texts.emplace_back(std::move(*record));
    }
    if (!key.empty())
      list.keys.push_back(item.refusal ? std::string()
                                       : item_key(key, "record", list.items.size() - 1));
  });
  if (read.ok()) return std::nullopt;
  const auto& why = read.reason();
  if (why.code == core::errc::too_large)
    return http::error_response(413, "batch_too_large",
                                why.text + "; make the exporter's batches smaller");
  return http::error_response(400, "invalid_request", why.text);
}

}  // namespace

std::optional<http::response> check_logs_type(const http::request& request) {
  const auto type = media_type(request);
  if (type.empty() || type == "application/json") return std::nullopt;
  return http::error_response(415, "unsupported_media_type",
                              "logs are taken as OTLP in JSON (application/json): set the "
                              "exporter's protocol to http/json");
}

http::response as_otlp_answer(http::response answer) {
  if (answer.error_code.empty()) return answer;
  if (answer.status == 500) {
    answer.status = 503;
    answer.retry_after_seconds = retry_seconds;
    answer.headers.emplace_back("Retry-After", std::to_string(retry_seconds));
  }
  answer.body.clear();
  core::json_object body(answer.body);
  body.number("code", rpc_code(answer.status))
      .text("error", answer.error_code)
      .text("message", answer.error_message);
  if (answer.retry_after_seconds > 0)
    body.number("retry_after_seconds", answer.retry_after_seconds);
  body.end();
  answer.body += '\n';
  return answer;
}

http::respond_fn as_otlp_answers(http::respond_fn respond) {
  return [respond = std::move(respond)](http::response answer) {
    respond(as_otlp_answer(std::move(answer)));
  };
}

void handle_logs(const services_ptr& house, snapshot_ptr config, const active_source& source,
                 http::request request, http::respond_fn respond) {
  const auto& limits = config->settings().limits;
  write_list list;
  if (auto refused = read_context_of_whole(*house, *config, source.settings, request,
                                           limits.max_batch_bytes, list.context))
    return respond(std::move(*refused));
  list.content_from = "body";
  list.awaits_delivery = false;
  const log_limits most{entries_max(limits, request),
                        static_cast<std::size_t>(limits.max_batch_bytes)};
  if (auto refused =
          read_records(request.body, most, idempotency_key(request), source.settings, list))
    return respond(std::move(*refused));
  if (list.items.empty()) return respond(logs_response({}));
  std::string().swap(request.body);  // all of it has been read
  list.request = std::move(request);
  write_many(house, std::move(config), source, std::move(list), logs_response, std::move(respond));
}

}  // namespace nexus::ingest
