#include "tests/proof/writes.hpp"

#include <rapidjson/document.h>

#include "core/json_text.hpp"

namespace nexus::proof {
namespace {

constexpr const char* key_of_source = "bfn_data_main";

std::string body_of(const write_request& one) {
  std::string body;
  for (const auto& content : one.contents) {
    body += R"({"message":{"content":)";
    core::json::append_quoted(body, content);
    body += "}}\n";
  }
  return body;
}

bool is_refusal(int status) {
  return status >= 500 && status < 600;
}

bool is_text(const rapidjson::Value& object, const char* name) {
  return object.IsObject() && object.HasMember(name) && object[name].IsString();
}

bool is_number(const rapidjson::Value& object, const char* name) {
  return object.IsObject() && object.HasMember(name) && object[name].IsUint();
}

/// What a batch's results say.
fate read_results(const rapidjson::Value& answer, const write_request& one, write_outcome& into) {
  if (!answer.HasMember("results") || !answer["results"].IsArray() ||
      answer["results"].Size() != one.contents.size()) {
    return fate::wrong;
  }
  fate all = fate::accepted;
  for (const auto& item : answer["results"].GetArray()) {
    if (!is_number(item, "status") || !is_number(item, "index")) return fate::wrong;
    const int status = static_cast<int>(item["status"].GetUint());
    if (is_refusal(status) && is_text(item, "error")) {
      all = fate::refused;
      into.code = item["error"].GetString();
    } else if (status == 200 && is_text(item, "payload_id") &&
               item["index"].GetUint() < one.contents.size()) {
      into.ids.emplace_back(item["index"].GetUint(), item["payload_id"].GetString());
    } else {
      return fate::wrong;
    }
  }
  return all;
}

}  // namespace

write_outcome send_write(cli::http_client& client, const write_request& one,
                         const std::string& actor) {
  const bool batch = one.contents.size() > 1;
  const auto answer =
      client.send({"POST",
                   batch ? "/inbound/main/batch" : "/inbound/main",
                   key_of_source,
                   {{"Content-Type", batch ? "application/x-ndjson" : "application/json"},
                    {"Idempotency-Key", one.key},
                    {"X-Actor-ID", actor}},
                   body_of(one)});
  if (!answer) return {fate::lost, answer.reason().text, "", {}};
  write_outcome outcome{fate::wrong, std::to_string(answer->status) + " " + answer->body, "", {}};
  rapidjson::Document parsed;
  parsed.Parse(answer->body.data(), answer->body.size());
  if (parsed.HasParseError() || !parsed.IsObject()) return outcome;
  if (is_refusal(answer->status) && is_text(parsed, "error")) {
    outcome.what = fate::refused;
    outcome.code = parsed["error"].GetString();
  } else if (batch && (answer->status == 200 || answer->status == 207)) {
    outcome.what = read_results(parsed, one, outcome);
    if ((outcome.what == fate::accepted) != (answer->status == 200)) outcome.what = fate::wrong;
  } else if (answer->status == 200 && is_text(parsed, "payload_id")) {
    outcome.what = fate::accepted;
    outcome.ids.emplace_back(0, parsed["payload_id"].GetString());
  }
  return outcome;
}

bool enter(cli::ledger& book, const write_request& one, const write_outcome& outcome) {
  bool fits = true;
  for (const auto& [index, id] : outcome.ids) {
    const auto [at, fresh] = book.acknowledged.emplace(id, one.contents[index]);
    fits = fits && at->second == one.contents[index];
  }
  return fits;
}

}  // namespace nexus::proof
