#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <set>

#include "tests/destinations/jetstream_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::core::entry_ptr;
using nexus::core::errc;

namespace {

nats_stream stream_s() {
  return {.name = "S", .subjects = {"nexus.*"}};
}

outcome deliver_one(destination& to, const entry_ptr& entry) {
  const auto outcomes = to.deliver(std::span(&entry, 1));
  REQUIRE(outcomes.size() == 1);
  return outcomes.front();
}

void check_all(const std::vector<outcome>& outcomes, std::size_t count, outcome_kind kind) {
  REQUIRE(outcomes.size() == count);
  for (const auto& each : outcomes) {
    INFO(each.reason);
    REQUIRE(each.kind == kind);
  }
}

/// PATH.crt, which vouches for itself, and PATH.key.
void make_certificate(const std::string& path) {
  std::vector<std::string> words{"openssl",  "req",
                                 "-x509",    "-nodes",
                                 "-days",    "2",
                                 "-newkey",  "ec",
                                 "-pkeyopt", "ec_paramgen_curve:P-256",
                                 "-subj",    "/CN=localhost",
                                 "-addext",  "subjectAltName=IP:127.0.0.1",
                                 "-keyout",  path + ".key",
                                 "-out",     path + ".crt"};
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  REQUIRE(::posix_spawnp(&pid, "openssl", nullptr, nullptr, arguments.data(), environ) == 0);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(status == 0);
}

/// As far as a call may take before the pipeline counts it as hung.
bool within_limit(std::chrono::steady_clock::time_point begun, const settings& set) {
  return std::chrono::steady_clock::now() - begun <
         set.timeout + std::max(set.timeout / 4, 1'000ms);
}

}  // namespace

TEST_CASE("each entry becomes one message, with its payload and its headers") {
  nats_cluster server;
  server.add_stream(stream_s());
  auto events = make_events(events_settings(server.urls()));
  REQUIRE(events->ping().ok());
  auto keyed = make_entry("p0");
  keyed->idempotency_key = "k 1";
  keyed->subject = "line\r\nbreak";
  const std::vector<entry_ptr> batch{keyed, make_entry("p1")};
  check_all(events->deliver(batch), 2, outcome_kind::delivered);

  const auto stored = server.messages("S");
  REQUIRE(stored.size() == 2);
  CHECK(stored[0].subject == "nexus.main");
  CHECK(stored[0].data == keyed->payload);
  const std::map<std::string, std::string> expected{{"Nats-Msg-Id", "events:p0"},
                                                    {"Nats-Expected-Stream", "S"},
                                                    {"Nexus-Payload-Id", "p0"},
                                                    {"Nexus-Source", "main"},
                                                    {"Nexus-Subject", "line%0D%0Abreak"},
                                                    {"Nexus-Timestamp", "2026-01-01T00:00:00Z"},
                                                    {"Idempotency-Key", "k 1"}};
  CHECK(stored[0].headers == expected);
  CHECK(stored[1].data == batch[1]->payload);
  CHECK(stored[1].headers.count("Idempotency-Key") == 0);
}

TEST_CASE("a payload id that comes again is delivered and stored once") {
  nats_cluster server;
  server.add_stream(stream_s());
  const auto set = events_settings(server.urls());
  auto events = make_events(set);
  auto batch = make_entries("p", 2'000);
  batch.push_back(batch.front());
  check_all(events->deliver(batch), batch.size(), outcome_kind::delivered);
  check_all(events->deliver(batch), batch.size(), outcome_kind::delivered);
  check_all(make_events(set)->deliver(batch), batch.size(), outcome_kind::delivered);
  CHECK(server.message_count("S") == 2'000);
}

TEST_CASE("two destinations of one payload do not take each other's place in a stream") {
  nats_cluster server;
  server.add_stream(stream_s());
  auto events = make_events(events_settings(server.urls()));
  const auto first = make_entry("p0");
  const auto second = make_entry("p0");
  second->destination = "audit";
  const std::vector<entry_ptr> batch{first, second};
  check_all(events->deliver(batch), 2, outcome_kind::delivered);
  CHECK(server.message_count("S") == 2);
}

TEST_CASE("a missing stream is a fault of the configuration, until somebody creates it") {
  nats_cluster server;
  auto events = make_events(events_settings(server.urls()));
  auto pinged = events->ping();
  REQUIRE_FALSE(pinged.ok());
  CHECK(pinged.reason().code == errc::bad_config);
  const auto refused = deliver_one(*events, make_entry("p0"));
  CHECK(refused.kind == outcome_kind::config_fault);
  CHECK(refused.reason.find("\"S\" does not exist") != std::string::npos);
  CHECK_FALSE(server.subjects("S").has_value());

  server.add_stream(stream_s());
  CHECK(events->ping().ok());
  CHECK(deliver_one(*events, make_entry("p0")).kind == outcome_kind::delivered);
}

TEST_CASE("a missing stream is created by the first delivery where that is asked for, not before") {
  nats_cluster server;
  auto set = events_settings(server.urls());
  set.values["create_stream"] = "true";
  auto events = make_events(set);
  REQUIRE(events->ping().ok());
  CHECK_FALSE(server.subjects("S").has_value());
  CHECK(deliver_one(*events, make_entry("p0")).kind == outcome_kind::delivered);
  REQUIRE(server.subjects("S").has_value());
  CHECK(*server.subjects("S") == std::vector<std::string>{"nexus.*"});
  server.delete_stream("S");
  CHECK(deliver_one(*events, make_entry("p1")).kind == outcome_kind::delivered);
  CHECK(server.message_count("S") == 1);
}

TEST_CASE("more replicas than there are servers is a fault of the configuration") {
  nats_cluster server;
  auto set = events_settings(server.urls());
  set.values["create_stream"] = "true";
  set.values["replicas"] = "3";
  const auto refused = deliver_one(*make_events(set), make_entry("p0"));
  INFO(refused.reason);
  CHECK(refused.kind == outcome_kind::config_fault);
}

TEST_CASE("a stream without the subject is a fault of the configuration") {
  nats_cluster server;
  server.add_stream({.name = "S", .subjects = {"other.>"}});
  auto events = make_events(events_settings(server.urls()));
  auto pinged = events->ping();
  REQUIRE_FALSE(pinged.ok());
  CHECK(pinged.reason().code == errc::bad_config);
  const auto refused = deliver_one(*events, make_entry("p0"));
  CHECK(refused.kind == outcome_kind::config_fault);
  CHECK(refused.reason.find("nexus.main") != std::string::npos);
}

TEST_CASE("only the entries whose subject the stream has not are refused") {
  nats_cluster server;
  server.add_stream({.name = "S", .subjects = {"nexus.main"}});
  auto events = make_events(events_settings(server.urls()));
  REQUIRE(events->ping().ok());
  auto foreign = make_entry("p1");
  foreign->source = "foreign";
  const std::vector<entry_ptr> batch{make_entry("p0"), foreign, make_entry("p2")};
  const auto outcomes = events->deliver(batch);
  CHECK(outcomes[0].kind == outcome_kind::delivered);
  CHECK(outcomes[1].kind == outcome_kind::config_fault);
  CHECK(outcomes[2].kind == outcome_kind::delivered);
  CHECK(server.message_count("S") == 2);
}

TEST_CASE("another stream that has the subject does not get the messages") {
  nats_cluster server;
  server.add_stream({.name = "S", .subjects = {"other.>"}});
  server.add_stream({.name = "T", .subjects = {"nexus.>"}});
  const auto refused = deliver_one(*make_events(events_settings(server.urls())), make_entry("p0"));
  CHECK(refused.kind == outcome_kind::config_fault);
  CHECK(refused.reason.find("10060") != std::string::npos);
  CHECK(server.message_count("T") == 0);
}

TEST_CASE("a wrong password is a fault of the configuration and stays out of the reason") {
  nats_cluster server({.config = R"(authorization { user: nexus, password: "right-secret" })",
                       .user = "nexus",
                       .password = "right-secret"});
  server.add_stream(stream_s());
  auto set = events_settings(server.urls());
  set.values["user"] = "nexus";
  set.values["password"] = "wrong-secret";
  auto events = make_events(set);
  auto pinged = events->ping();
  REQUIRE_FALSE(pinged.ok());
  CHECK(pinged.reason().code == errc::bad_config);
  const auto refused = deliver_one(*events, make_entry("p0"));
  CHECK(refused.kind == outcome_kind::config_fault);
  CHECK(refused.reason.find("secret") == std::string::npos);

  set.values["password"] = "right-secret";
  auto right = make_events(set);
  CHECK(right->ping().ok());
  CHECK(deliver_one(*right, make_entry("p0")).kind == outcome_kind::delivered);
}

TEST_CASE("a subject that may not be published to is a fault of the configuration") {
  nats_cluster server({.config = R"(authorization { users: [
      { user: admin, password: a },
      { user: nexus, password: n, permissions: {
          publish: { allow: ["$JS.API.STREAM.INFO.S", "nexus.main"] },
          subscribe: "_INBOX.>" } } ] })",
                       .user = "admin",
                       .password = "a"});
  server.add_stream(stream_s());
  auto set = events_settings(server.urls());
  set.values["user"] = "nexus";
  set.values["password"] = "n";
  auto events = make_events(set);
  REQUIRE(events->ping().ok());
  auto foreign = make_entry("p1");
  foreign->source = "foreign";
  const std::vector<entry_ptr> batch{make_entry("p0"), foreign};
  const auto outcomes = events->deliver(batch);
  CHECK(outcomes[0].kind == outcome_kind::delivered);
  CHECK(outcomes[1].kind == outcome_kind::config_fault);
  INFO(outcomes[1].reason);
  CHECK(outcomes[1].reason.find("nexus.foreign") != std::string::npos);
  CHECK(deliver_one(*events, make_entry("p2")).kind == outcome_kind::delivered);
}

TEST_CASE("an encrypted connection needs a server with a certificate that is trusted") {
  const temp_dir keys;
  make_certificate(keys / "server");
  make_certificate(keys / "stranger");
  nats_cluster server({.config = "tls { cert_file: \"" + keys / "server.crt" + "\", key_file: \"" +
                                 keys / "server.key" + "\" }",
                       .ca_file = keys / "server.crt"});
  server.add_stream(stream_s());
  const auto plain = events_settings(server.urls());
  auto encrypted = events_settings("tls" + server.urls().substr(4));
  CHECK(deliver_one(*make_events(plain), make_entry("p0")).kind == outcome_kind::config_fault);
  encrypted.values["ca_file"] = keys / "stranger.crt";
  CHECK(deliver_one(*make_events(encrypted), make_entry("p0")).kind == outcome_kind::config_fault);
  encrypted.values["ca_file"] = keys / "server.crt";
  CHECK(deliver_one(*make_events(encrypted), make_entry("p0")).kind == outcome_kind::delivered);
  CHECK(server.message_count("S") == 1);
}

TEST_CASE("a message that is too large for the server or the stream is refused alone, for good") {
  nats_cluster server({.config = "max_payload: 65536"});
  auto stream = stream_s();
  stream.message_bytes_max = 4'096;
  server.add_stream(stream);
  auto events = make_events(events_settings(server.urls()));
  auto for_stream = make_entry("p1");
  for_stream->payload = '"' + std::string(5'000, 'x') + '"';
  // Its headers take it over the limit: the server would close the connection.
  auto for_server = make_entry("p2");
  for_server->payload = '"' + std::string(65'536 - 2, 'x') + '"';
  const std::vector<entry_ptr> batch{make_entry("p0"), for_stream, for_server, make_entry("p3")};
  const auto outcomes = events->deliver(batch);
  CHECK(outcomes[0].kind == outcome_kind::delivered);
  CHECK(outcomes[1].kind == outcome_kind::permanent);
  CHECK(outcomes[1].reason.find("10054") != std::string::npos);
  CHECK(outcomes[2].kind == outcome_kind::permanent);
  CHECK(outcomes[3].kind == outcome_kind::delivered);
  CHECK(server.message_count("S") == 2);
}

TEST_CASE("what does not fit into a full stream waits for room") {
  nats_cluster server;
  auto stream = stream_s();
  stream.messages_max = 3;
  server.add_stream(stream);
  auto events = make_events(events_settings(server.urls()));
  const auto batch = make_entries("p", 5);
  const auto outcomes = events->deliver(batch);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    CHECK(outcomes[i].kind == (i < 3 ? outcome_kind::delivered : outcome_kind::unreachable));
  }
  CHECK(outcomes[4].reason.find("maximum messages exceeded") != std::string::npos);
}

TEST_CASE("a server that is down is unreachable, and the same instance delivers once it is up") {
  nats_cluster server;
  server.add_stream(stream_s());
  auto events = make_events(events_settings(server.urls()));
  check_all(events->deliver(make_entries("a", 10)), 10, outcome_kind::delivered);
  server.kill(0);
  const auto batch = make_entries("b", 10);
  check_all(events->deliver(batch), 10, outcome_kind::unreachable);
  auto pinged = events->ping();
  REQUIRE_FALSE(pinged.ok());
  CHECK(pinged.reason().code == errc::unreachable);
  server.restart(0);
  CHECK(events->ping().ok());
  check_all(events->deliver(batch), 10, outcome_kind::delivered);
  CHECK(server.message_count("S") == 20);
}

TEST_CASE(
    "a server that hangs is unreachable within the timeout, and its late answers do no harm") {
  nats_cluster server;
  server.add_stream(stream_s());
  auto set = events_settings(server.urls());
  set.timeout = 1'500ms;
  auto events = make_events(set);
  REQUIRE(events->ping().ok());
  const auto late = make_entries("late", 50);
  server.pause(0);
  auto begun = std::chrono::steady_clock::now();
  check_all(events->deliver(late), 50, outcome_kind::unreachable);
  CHECK(within_limit(begun, set));
  begun = std::chrono::steady_clock::now();
  CHECK_FALSE(events->ping().ok());
  CHECK(within_limit(begun, set));
  server.resume(0);
  const auto next = make_entries("next", 50);
  check_all(events->deliver(next), 50, outcome_kind::delivered);
  check_all(events->deliver(late), 50, outcome_kind::delivered);
  CHECK(server.message_count("S") == 100);

  server.pause(0);
  begun = std::chrono::steady_clock::now();
  events.reset();
  CHECK(within_limit(begun, set));
}

TEST_CASE("an entry without a payload id is refused for good") {
  nats_cluster server;
  server.add_stream(stream_s());
  auto events = make_events(events_settings(server.urls()));
  const std::vector<entry_ptr> batch{make_entry(""), make_entry("p1")};
  const auto outcomes = events->deliver(batch);
  CHECK(outcomes[0].kind == outcome_kind::permanent);
  CHECK(outcomes[1].kind == outcome_kind::delivered);
}

TEST_CASE("JetStream does not say which ids it holds") {
  auto events = make_events(events_settings("nats://127.0.0.1:4222"));
  const std::vector<std::string> ids{"a"};
  auto found = events->exists(ids);
  REQUIRE_FALSE(found.ok());
  CHECK(found.reason().code == errc::unsupported);
}

TEST_CASE("wrong settings are found before anything connects") {
  const auto check = jetstream_type().schema.check;
  const auto good = events_settings("nats://a:4222, tls://b");
  CHECK(check(good.values).empty());
  const std::vector<std::map<std::string, std::string>> wrong{
      {{"url", "http://a"}},
      {{"url", "nats://a,"}},
      {{"url", "nats://user:secret@a"}},
      {{"stream", "a.b"}},
      {{"stream", "a b"}},
      {{"subject", "nexus.>"}},
      {{"subject", "{payload}"}},
      {{"user", "only"}},
      {{"cert_file", "/only"}},
      {{"token", "t"}, {"user", "u"}, {"password", "p"}}};
  for (const auto& changes : wrong) {
    auto set = good;
    for (const auto& [key, value] : changes) set.values[key] = value;
    INFO(changes.begin()->first << " = " << changes.begin()->second);
    const auto problems = check(set.values);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().message.find("secret") == std::string::npos);
    auto made = jetstream_type().make(set);
    REQUIRE_FALSE(made.ok());
    CHECK(made.reason().code == errc::bad_config);
  }
}

TEST_CASE("a file of the settings that cannot be read is a fault of the configuration") {
  for (const char* key : {"credentials_file", "ca_file"}) {
    auto set = events_settings("nats://127.0.0.1:1");
    set.values[key] = "/nonexistent/file";
    const auto refused = deliver_one(*make_events(set), make_entry("p0"));
    CHECK(refused.kind == outcome_kind::config_fault);
    CHECK(refused.reason.find("/nonexistent/file") != std::string::npos);
  }
}
