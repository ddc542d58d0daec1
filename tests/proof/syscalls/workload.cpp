#include "tests/proof/syscalls/workload.hpp"

#include <csignal>
#include <filesystem>

#include <rapidjson/document.h>

#include "core/json_text.hpp"
#include "tests/proof/stored_rows.hpp"
#include "tests/support/catch.hpp"

namespace nexus::proof {

namespace {

/// It is tried again at once, so that a run does not wait.
const std::string breaker =
    "max_attempts = 1000\ninitial_backoff_ms = 1\nmax_backoff_ms = 10\n[destination.breaker]\n"
    "open_ms = 10\nmax_open_ms = 20\nconfig_fault_ms = 20\n";

std::string body_of(const write_request& one) {
  std::string body;
  for (const auto& content : one.contents) {
    body += R"({"message":{"content":)";
    core::json::append_quoted(body, content);
    body += "}}\n";
  }
  return body;
}

rapidjson::Document parse(const std::string& body) {
  rapidjson::Document parsed;
  parsed.Parse(body.data(), body.size());
  INFO(body);
  REQUIRE(!parsed.HasParseError());
  REQUIRE(parsed.IsObject());
  return parsed;
}

}  // namespace

workload::workload(const workload_options& how) : how_(how) {
  write("daemon.toml",
        std::string("[daemon]\nmode = \"simple\"\nwatch_config = false\nadmin_token = \"") +
            admin_token + "\"\n[daemon.wal]\nmax_segment_size_mb = 1\n" +
            (how.removes_segments ? "retain_delivered_hours = 0\n" : "") +
            "[daemon.shutdown]\ndrain_timeout_seconds = 2\n");
  write("destinations/sqlite.toml",
        "[destination]\nname = \"sqlite\"\ntype = \"sqlite\"\ndb_path = \"" + database() + "\"\n" +
            breaker);
  write("destinations/lines.toml",
        "[destination]\nname = \"lines\"\ntype = \"jsonl\"\nrotate_mb = 1\npath = \"" + lines() +
            "\"\n" + breaker);
  write("sources/main.toml", std::string("[source]\nname = \"main\"\napi_key = \"") + main_key +
                                 "\"\ncan_read = true\ncan_write = true\n"
                                 "target_destinations = [\"sqlite\", \"lines\"]\n"
                                 "[source.rate_limit]\nrequests_per_minute = 1000000\n"
                                 "[source.idempotency]\nenabled = true\n[source.mapping]\n"
                                 "content = \"message.content\"\n");
  std::filesystem::create_directory(path() + "/lines");
}

std::unique_ptr<cli::child_server> workload::try_start(const fault_file& faults) const {
  cli::child_server::options how;
  how.program = NEXUS_PROGRAM;
  how.home = path();
  how.log_file = path() + "/server.log";
  const fault_file::environment set(faults);
  auto started = cli::child_server::start(how);
  return started ? std::move(*started) : nullptr;
}

void workload::leave_pending() {
  for (const auto& place : {database(), lines()}) std::filesystem::create_directory(place);
  const auto server = start();
  const auto answered = send(*server, requests("left behind"));
  REQUIRE(answered.refused.empty());
  REQUIRE(answered.lost.empty());
  server->signal(SIGKILL);
  server->wait();
  for (const auto& place : {database(), lines()}) std::filesystem::remove(place);
}

std::vector<write_request> workload::requests(const std::string& label) const {
  constexpr std::size_t large = 300 << 10;
  std::vector<write_request> all;
  for (int i = 0; i < 4; ++i) {
    const std::string name = label + " " + std::to_string(i);
    all.push_back({name, {name + " <\"é\\ \n>"}});
    if (how_.large) all.push_back({name + " large", {name + std::string(large, 'n')}});
  }
  all.push_back({label + " batch", {label + " b0", label + " b1", label + " b2"}});
  return all;
}

answers workload::send(const cli::child_server& server, const std::vector<write_request>& all) {
  answers found;
  cli::http_client client(server.host(), server.port());
  for (const auto& one : all) {
    for (const auto& content : one.contents) book_.sent.insert(content);
    std::optional<bool> accepted;
    if (found.lost.empty()) accepted = send_one(client, one);
    if (!accepted) found.lost.push_back(one);
    if (accepted == false) found.refused.push_back(one);
  }
  return found;
}

std::optional<bool> workload::send_one(cli::http_client& client, const write_request& one) {
  const bool batch = one.contents.size() > 1;
  const auto answer =
      client.send({"POST",
                   batch ? "/inbound/main/batch" : "/inbound/main",
                   main_key,
                   {{"Content-Type", batch ? "application/x-ndjson" : "application/json"},
                    {"Idempotency-Key", one.key}},
                   body_of(one)});
  if (!answer) return std::nullopt;
  INFO(one.key << ": " << answer->status << " " << answer->body);
  if (answer->status >= 500 && answer->status < 600) return false;
  const auto parsed = parse(answer->body);
  if (!batch) {
    REQUIRE(answer->status == 200);
    book_.acknowledged[parsed["payload_id"].GetString()] = one.contents.front();
    return true;
  }
  REQUIRE((answer->status == 200 || answer->status == 207));
  bool all = true;
  for (const auto& item : parsed["results"].GetArray()) {
    const int status = item["status"].GetInt();
    REQUIRE((status == 200 || (status >= 500 && status < 600)));
    all = all && status == 200;
    if (status != 200) continue;
    book_.acknowledged[item["payload_id"].GetString()] = one.contents[item["index"].GetUint()];
  }
  CHECK(all == (answer->status == 200));
  return all;
}

void workload::judge() const {
  const auto rows = cli::read_rows(database());
  if (!rows) FAIL(rows.reason().text);
  for (const auto& stored : {*rows, rows_of_lines(lines())}) {
    const auto found = cli::compare(book_, stored);
    INFO(found.acknowledged << " acknowledged, " << found.missing << " missing, " << found.changed
                            << " changed, " << found.repeated << " repeated, " << found.unknown
                            << " unknown, " << found.unanswered << " unanswered");
    CHECK(found.holds());
  }
}

}  // namespace nexus::proof
