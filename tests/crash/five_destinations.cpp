#include "tests/crash/five_destinations.hpp"

#include <filesystem>
#include <memory>
#include <stdexcept>

#include <libpq-fe.h>

#include "tests/proof/stored_rows.hpp"
#include "tests/support/catch.hpp"

namespace nexus::test {

five_destinations::five_destinations() {
  nats_.add_stream({.name = "EVENTS", .subjects = {"nexus.*"}});
  std::filesystem::create_directory(path() + "/lines");
  write("daemon.toml",
        std::string("[daemon]\nmode = \"simple\"\nwatch_config = false\nadmin_token = \"") +
            admin_token + "\"\n[daemon.wal]\nmax_segment_size_mb = 1\n");
  write("sources/main.toml",
        std::string("[source]\nname = \"main\"\napi_key = \"") + main_key +
            "\"\ncan_read = true\ncan_write = true\n"
            "target_destinations = [\"sqlite\", \"postgres\", \"http\", \"jetstream\", \"jsonl\"]\n"
            "[source.rate_limit]\nrequests_per_minute = 1000000\n"
            "[source.idempotency]\nenabled = true\ndedup_window_seconds = 0\n"
            "[source.mapping]\ncontent = \"message.content\"\n");
  write_destinations(256);
}

void five_destinations::change_settings(unsigned round) const {
  write_destinations(16 + round % 100);
}

void five_destinations::write_destinations(unsigned batch_size) const {
  const std::map<std::string, std::string> keys{
      {"sqlite", "db_path = \"" + database() + "\"\n"},
      {"postgres", "dsn = \"" + postgres_.dsn() + "\"\n"},
      {"http", "url = \"" + receiver_.url() + "/hook\"\n"},
      {"jetstream", "url = \"" + nats_.urls() + "\"\nstream = \"EVENTS\"\n"},
      {"jsonl", "rotate_mb = 1\npath = \"" + lines() + "\"\n"}};
  for (const auto& [type, more] : keys) {
    write("destinations/" + type + ".toml",
          "[destination]\nname = \"" + type + "\"\ntype = \"" + type +
              "\"\nbatch_size = " + std::to_string(batch_size) + "\n" + more);
  }
}

std::map<std::string, std::vector<cli::stored_row>> five_destinations::stored() {
  const auto sqlite = cli::read_rows(database());
  if (!sqlite) throw std::runtime_error(sqlite.reason().text);
  return {{"sqlite", *sqlite},
          {"postgres", rows_of_table()},
          {"http", rows_of_receiver()},
          {"jetstream", rows_of_stream()},
          {"jsonl", proof::rows_of_lines(lines())}};
}

std::map<std::string, std::string> five_destinations::actors() const {
  std::map<std::string, std::string> all;
  for (const auto& payload : proof::payloads_of_lines(lines())) {
    all[proof::row_of(payload).payload_id] = proof::text_of(payload, "actor_id");
  }
  return all;
}

std::vector<cli::stored_row> five_destinations::rows_of_table() const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
      PQconnectdb(postgres_.dsn().c_str()), &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> answer(
      PQexec(connection.get(), "SELECT payload_id, content FROM memories"), &PQclear);
  if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  std::vector<cli::stored_row> rows;
  for (int i = 0; i < PQntuples(answer.get()); ++i) {
    rows.push_back({PQgetvalue(answer.get(), i, 0), PQgetvalue(answer.get(), i, 1)});
  }
  return rows;
}

std::vector<cli::stored_row> five_destinations::rows_of_stream() {
  std::vector<cli::stored_row> rows;
  for (const auto& message : nats_.messages("EVENTS")) rows.push_back(proof::row_of(message.data));
  return rows;
}

std::vector<cli::stored_row> five_destinations::rows_of_receiver() {
  for (const auto& request : receiver_.take().requests) {
    if (request.method != "POST") continue;  // a ping
    const auto [at, fresh] = bodies_.emplace(request.headers.at("idempotency-key"), request.body);
    if (fresh) continue;
    ++received_again_;
    if (at->second != request.body) throw std::runtime_error("one key, two bodies: " + at->first);
  }
  std::vector<cli::stored_row> rows;
  for (const auto& [key, body] : bodies_) {
    rows.push_back(proof::row_of(body));
    if (rows.back().payload_id != key) throw std::runtime_error("a key is no payload id: " + key);
  }
  return rows;
}

}  // namespace nexus::test
