#include "ingest/batch.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/json_text.hpp"
#include "http/errors.hpp"
#include "ingest/media_type.hpp"
#include "ingest/write_answers.hpp"
#include "ingest/write_context.hpp"
#include "ingest/write_many.hpp"
#include "ingest/write_results.hpp"

namespace nexus::ingest {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view strip(std::string_view text) {
  const auto start = text.find_first_not_of(blanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(blanks) - start + 1);
}

/// Takes a body apart into items.
class splitter {
 public:
  splitter(const config::source_config& source, std::size_t entries_max, std::string_view key,
           write_list& into)
      : bytes_max_(static_cast<std::size_t>(source.payload_bytes_max)),
        entries_max_(entries_max),
        key_(key),
        into_(into) {}

  std::optional<http::response> split(std::string_view body, bool array) {
    return array ? split_array(body) : split_lines(body);
  }

 private:
  std::optional<http::response> split_lines(std::string_view body) {
    while (!body.empty()) {
      const auto end = std::min(body.find('\n'), body.size());
      const auto line = strip(body.substr(0, end));
      body.remove_prefix(std::min(end + 1, body.size()));
      if (line.empty()) continue;
      if (is_full()) return too_many();
      const auto valid =
          line.size() > bytes_max_ ? core::result<void>() : core::json::validate(line);
      add(line, valid);
    }
    return check_empty();
  }

  std::optional<http::response> split_array(std::string_view body) {
    const auto text = strip(body);
    if (const auto valid = core::json::validate(text); !valid)
      return http::error_response(400, "invalid_json",
                                  "the body is not valid JSON: " + valid.reason().text);
    if (core::json::kind_of(text) != core::json::kind::array)
      return http::error_response(400, "invalid_json",
                                  "a batch is an array of JSON values, or a value a line with "
                                  "Content-Type application/x-ndjson");
    core::json::members elements(text);
    for (auto* one = elements.next(); one != nullptr; one = elements.next()) {
      if (is_full()) return too_many();
      add(one->value, {});
    }
    return check_empty();
  }

  void add(std::string_view value, const core::result<void>& valid) {
    auto& item = into_.items.emplace_back();
    item.value = value;
    if (value.size() > bytes_max_) {
      item.refusal = refuse_item(value_too_large_response(bytes_max_));
    } else if (!valid) {
      item.refusal = refuse_item(http::error_response(
          400, "invalid_json", "the line is not valid JSON: " + valid.reason().text));
    }
    if (key_.empty()) return;
    into_.keys.push_back(item.refusal ? std::string()
                                      : item_key(key_, "item", into_.items.size() - 1));
  }

  bool is_full() const { return into_.items.size() == entries_max_; }

  http::response too_many() const { return too_many_entries_response(entries_max_); }

  std::optional<http::response> check_empty() const {
    if (!into_.items.empty()) return std::nullopt;
    return http::error_response(400, "invalid_request", "the batch has no entries");
  }

  const std::size_t bytes_max_;
  const std::size_t entries_max_;
  const std::string_view key_;
  write_list& into_;
};

bool is_line_type(std::string_view type) {
  return type == "application/x-ndjson" || type == "application/ndjson" ||
         type == "application/jsonl" || type == "application/x-jsonlines" ||
         type == "application/jsonlines";
}

}  // namespace

std::optional<http::response> check_batch_type(const http::request& request) {
  const auto type = media_type(request);
  if (type.empty() || type == "application/json" || is_line_type(type)) return std::nullopt;
  return http::error_response(415, "unsupported_media_type",
                              "Content-Type must be application/x-ndjson or application/json");
}

void handle_batch(const services_ptr& house, snapshot_ptr config, const active_source& source,
                  http::request request, http::respond_fn respond) {
  const auto& limits = config->settings().limits;
  write_list list;
  if (auto refused = read_context_of_whole(*house, *config, source.settings, request,
                                           limits.max_batch_bytes, list.context))
    return respond(std::move(*refused));
  const std::string_view body = list.texts.emplace_back(std::move(request.body));
  const auto type = media_type(request);
  const auto first = body.find_first_not_of(blanks);
  const bool starts_array = first != std::string_view::npos && body[first] == '[';
  const bool array = type.empty() ? starts_array : type == "application/json";
  const auto key = idempotency_key(request);
  splitter parts(source.settings, entries_max(limits, request), key, list);
  if (auto refused = parts.split(body, array)) return respond(std::move(*refused));
  list.request = std::move(request);
  write_many(house, std::move(config), source, std::move(list), results_response,
             std::move(respond));
}

}  // namespace nexus::ingest
