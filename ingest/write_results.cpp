#include "ingest/write_results.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/write_answers.hpp"

namespace nexus::ingest {
namespace {

/// The members of an error's envelope, without its braces and its details, which are empty.
std::string_view error_members(const http::response& refusal) {
  const std::string_view body = refusal.body;
  return body.substr(1, body.find(R"(,"details":{}})") - 1);
}

void append_result(std::string& out, std::size_t index, const write_item& item) {
  out += index == 0 ? "{\"index\":" : ",{\"index\":";
  out += std::to_string(index);
  if (!item.refusal) {
    out += is_undelivered(item) ? R"(,"status":202,"payload_id":")"
                                : R"(,"status":200,"payload_id":")";
    (out += item.payload_id) += "\"}";
    return;
  }
  (out += ",\"status\":") += std::to_string(item.refusal->status);
  ((out += ',') += error_members(*item.refusal)) += '}';
}

/// One refusal is everybody's: they differ in nothing but their texts.
bool all_refused_alike(std::span<const write_item> items) {
  const auto code_of = [](const write_item& item) {
    const auto members = error_members(*item.refusal);
    return members.substr(0, members.find(','));
  };
  return !items.empty() && std::all_of(items.begin(), items.end(), [&](const auto& item) {
    return item.refusal && item.refusal->status == items.front().refusal->status &&
           code_of(item) == code_of(items.front());
  });
}

/// The longest wait that a refusal asks for.
void add_retry_after(http::response& answer, std::span<const write_item> items) {
  std::string longest;
  for (const auto& item : items) {
    if (!item.refusal) continue;
    for (const auto& [name, value] : item.refusal->headers) {
      if (name != "Retry-After") continue;
      if (std::pair(value.size(), value) > std::pair(longest.size(), longest)) longest = value;
    }
  }
  if (!longest.empty()) answer.headers.emplace_back("Retry-After", longest);
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
  if (!item.delivery) return accepted_response(item.payload_id);
  return delivery_response(item.payload_id, source.settings.target_destinations, *item.delivery);
}

}  // namespace nexus::ingest
