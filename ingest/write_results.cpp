#include "ingest/write_results.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "core/json_object.hpp"
#include "ingest/write_answers.hpp"

namespace nexus::ingest {
namespace {

void append_result(std::string& out, std::size_t index, const write_item& item) {
  if (index > 0) out += ',';
  core::json_object result(out);
  result.number("index", index);
  if (item.refusal) {
    const auto& why = *item.refusal;
    result.number("status", why.status)
        .text("error", why.error_code)
        .text("message", why.error_message);
    if (why.retry_after_seconds > 0) result.number("retry_after_seconds", why.retry_after_seconds);
  } else {
    result.number("status", is_undelivered(item) ? 202 : 200).text("payload_id", *item.payload_id);
  }
  result.end();
}

/// One refusal is everybody's: they differ in nothing but their texts.
bool all_refused_alike(std::span<const write_item> items) {
  return !items.empty() && std::all_of(items.begin(), items.end(), [&](const auto& item) {
    return item.refusal && item.refusal->status == items.front().refusal->status &&
           item.refusal->error_code == items.front().refusal->error_code;
  });
}

/// The longest wait that a refusal asks for.
void add_retry_after(http::response& answer, std::span<const write_item> items) {
  std::int64_t longest = 0;
  for (const auto& item : items)
    if (item.refusal) longest = std::max(longest, item.refusal->retry_after_seconds);
  if (longest > 0) answer.headers.emplace_back("Retry-After", std::to_string(longest));
}

}  // namespace

bool is_undelivered(const write_item& item) {
  return item.delivery && std::any_of(item.delivery->begin(), item.delivery->end(), [](auto& one) {
           return one.second != core::delivery_state::delivered;
         });
}

http::response results_response(std::span<const write_item> items) {
  if (all_refused_alike(items)) return *items.front().refusal;
  constexpr std::size_t result_bytes = 80;
  http::response answer;
  std::size_t failed = 0;
  answer.body.reserve(items.size() * result_bytes + result_bytes);
  answer.body += "{\"results\":[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    append_result(answer.body, i, items[i]);
    if (items[i].refusal) ++failed;
  }
  const auto accepted = items.size() - failed;
  answer.body += "],\"accepted\":" + std::to_string(accepted) +
                 ",\"failed\":" + std::to_string(failed) + ",\"status\":\"" +
                 (failed == 0     ? "accepted"
                  : accepted == 0 ? "failed"
                                  : "partial") +
                 "\"}\n";
  if (failed > 0) {
    answer.status = 207;
    add_retry_after(answer, items);
  }
  return answer;
}

http::response single_response(const active_source& source, const write_item& item) {
  if (item.refusal) return *item.refusal;
  if (!item.delivery) return accepted_response(*item.payload_id);
  return delivery_response(*item.payload_id, source.settings.target_destinations, *item.delivery);
}

}  // namespace nexus::ingest
