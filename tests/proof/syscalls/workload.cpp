#include "tests/proof/syscalls/workload.hpp"

#include <csignal>
#include <filesystem>

#include "tests/proof/stored_rows.hpp"
#include "tests/support/catch.hpp"

namespace nexus::proof {

namespace {

/// It is tried again at once, so that a run does not wait.
const std::string breaker =
    "max_attempts = 1000\ninitial_backoff_ms = 1\nmax_backoff_ms = 10\n[destination.breaker]\n"
    "open_ms = 10\nmax_open_ms = 20\nconfig_fault_ms = 20\n";

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
    book_.sent.insert(one.contents.begin(), one.contents.end());
    const auto outcome = found.lost.empty() ? send_write(client, one) : write_outcome();
    INFO(one.key << ": " << outcome.answer);
    REQUIRE(outcome.what != fate::wrong);
    CHECK(enter(book_, one, outcome));
    if (outcome.what == fate::lost) found.lost.push_back(one);
    if (outcome.what == fate::refused) found.refused.push_back(one);
  }
  return found;
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
