#include "destinations/supabase.hpp"

#include <optional>
#include <utility>

#include "core/json_text.hpp"
#include "destinations/http.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/http_delivery.hpp"
#include "destinations/http_multi.hpp"
#include "destinations/http_url.hpp"
#include "destinations/memory_record.hpp"

namespace nexus::destinations {

namespace {

/// The keys of a record through actor_id, then metadata and embedding where there are some.
std::string row_json(memory_record record) {
  const auto metadata = std::exchange(record.metadata, {});
  const auto embedding = std::exchange(record.embedding, {});
  record.sensitivity_labels.clear();
  record.classification_tier.clear();
  std::string out;
  append_json(out, record);
  out.pop_back();
  if (!metadata.empty()) out += ",\"metadata\":" + metadata_json(metadata);
  if (!embedding.empty()) out += ",\"embedding\":" + embedding_json(embedding);
  return out + '}';
}

std::string without_slashes(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

class supabase_destination final : public destination {
 public:
  explicit supabase_destination(const supabase_options& options, std::string origin)
      : table_(without_slashes(options.url) + "/rest/v1/memories"),
        origin_(std::move(origin)),
        timeout_(options.timeout),
        credentials_{"apikey: " + options.api_key, "Authorization: Bearer " + options.api_key},
        connections_(http_connections{}) {}

  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    const auto make = [this](const core::entry& entry) { return insert(entry); };
    const auto judge = [this](const http_reply& reply) {
      return postgrest_outcome_of(reply, origin_);
    };
    return deliver_each(connections_, timeout_, batch, {make, judge});
  }

  core::result<void> ping() override {
    const auto reply = ask(connections_, timeout_, request("HEAD", table_));
    return to_result(postgrest_outcome_of(reply, origin_));
  }

  core::result<std::vector<bool>> exists(std::span<const std::string> payload_ids) override {
    std::vector<bool> found(payload_ids.size());
    core::result<void> all = core::error{core::errc::unreachable, origin_ + ": the time is over"};
    std::size_t begun = 0;
    std::size_t answered = 0;
    bool has_failed = false;
    connections_.run(
        timeout_,
        [&]() -> std::optional<http_request> {
          if (has_failed || begun == payload_ids.size()) return std::nullopt;
          auto made = request("GET", row_url(payload_ids[begun]));
          made.tag = begun++;
          return made;
        },
        [&](std::size_t index, const http_reply& reply) {
          const outcome result = postgrest_outcome_of(reply, origin_);
          if (result.kind == outcome_kind::delivered) {
            ++answered;
            found[index] = reply.body.find('{') != std::string::npos;
          } else if (!has_failed) {
            has_failed = true;
            all = to_result(result);
          }
        });
    if (answered == payload_ids.size()) return found;
    return all.reason();
  }

 private:
  http_request request(const char* method, std::string url) const {
    http_request made;
    made.method = method;
    made.url = std::move(url);
    made.headers = credentials_;
    return made;
  }

  core::result<http_request> insert(const core::entry& entry) const {
    auto record = parse_record(entry.payload);
    if (!record) return std::move(record).reason();
    if (record->payload_id.empty()) record->payload_id = entry.payload_id;
    if (record->payload_id.empty()) {
      return core::error{core::errc::invalid_argument, "the entry has no payload id"};
    }
    auto made = request("POST", table_);
    made.headers.push_back("Content-Type: application/json");
    made.headers.push_back("Prefer: resolution=ignore-duplicates");
    made.body = row_json(*std::move(record));
    return made;
  }

  std::string row_url(const std::string& payload_id) const {
    return table_ + "?payload_id=eq." + url_escaped(payload_id) + "&select=payload_id&limit=1";
  }

  const std::string table_;
  const std::string origin_;
  const std::chrono::milliseconds timeout_;
  const std::vector<std::string> credentials_;
  http_multi connections_;
};

supabase_options options_of(const core::setting_values& values) {
  settings from;
  from.values = values;
  return {from.text("url"), from.text("api_key"), from.timeout};
}

}  // namespace

std::vector<core::setting_problem> check(const supabase_options& options) {
  http_options same;
  same.url = options.url;
  same.api_key = options.api_key;
  std::vector<core::setting_problem> problems = check(same);
  if (options.url.find_first_of("?#{}") != std::string::npos) {
    problems.push_back({"url", "it is the project's own URL, without a query or a placeholder"});
  }
  if (options.api_key.empty()) problems.push_back({"api_key", "it is not set"});
  return problems;
}

core::result<std::unique_ptr<destination>> make_supabase(const supabase_options& options) {
  if (const auto problems = check(options); !problems.empty()) {
    return core::error{core::errc::bad_config,
                       problems.front().name + ": " + problems.front().message};
  }
  return std::unique_ptr<destination>(
      std::make_unique<supabase_destination>(options, *url_origin(options.url)));
}

type_info supabase_type() {
  type_info info;
  info.make = [](const settings& from) -> core::result<std::unique_ptr<destination>> {
    supabase_options options = options_of(from.values);
    options.timeout = from.timeout;
    auto made = make_supabase(options);
    if (made) return made;
    return core::error{made.reason().code, "destination " + from.name + ": " + made.reason().text};
  };
  info.schema.keys = {{.name = "url", .required = true},
                      {.name = "api_key", .kind = core::setting_kind::secret, .required = true}};
  info.schema.check = [](const core::setting_values& values) { return check(options_of(values)); };
  info.workers_default = 4;
  return info;
}

}  // namespace nexus::destinations
