// What a write sets off beside its delivery: events, the interaction log, embeddings.
#include <chrono>

#include "tests/config/home.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using test::codes;
using test::home;
using test::texts;

namespace {

void set_daemon(home& files, const std::string& text) {
  files.daemon("[daemon]\nadmin_token = \"t\"\n" + text);
}

}  // namespace

TEST_CASE("events have the defaults of the reference") {
  home files;
  set_daemon(files,
             "[daemon.events]\nenabled = true\n[[daemon.events.sinks]]\nname = \"a\"\n"
             "url = \"http://a/\"\nmax_retries = 0\ntimeout_seconds = -1\n");
  const auto events = files.settings().events;
  CHECK(events.enabled);
  CHECK(events.max_inflight == 1000);
  CHECK(events.backoff == std::vector<std::chrono::seconds>{1s, 5s, 30s, 300s});
  REQUIRE(events.sinks.size() == 1);
  CHECK(events.sinks[0].name == "a");
  CHECK(events.sinks[0].url.reveal() == "http://a/");
  CHECK(events.sinks[0].timeout == 5s);
  CHECK(events.sinks[0].max_retries == 3);
  CHECK_FALSE(events.sinks[0].full);
}

TEST_CASE("every key of events counts, and a sink's URL may be a reference") {
  home files;
  const test::variable set("NEXUS_TEST_URL", "https://user:secret@b/");
  set_daemon(files,
             "[daemon.events]\nenabled = true\nmax_inflight = 7\nretry_backoff_seconds = [0, 2]\n"
             "[[daemon.events.sinks]]\nname = \"a\"\nurl = \"http://a/\"\ntimeout_seconds = 9\n"
             "max_retries = 8\ncontent = \"Full\"\n"
             "[[daemon.events.sinks]]\nname = \"b\"\nurl = \"env:NEXUS_TEST_URL\"\n");
  const auto events = files.settings().events;
  CHECK(events.max_inflight == 7);
  CHECK(events.backoff == std::vector<std::chrono::seconds>{0s, 2s});
  REQUIRE(events.sinks.size() == 2);
  CHECK(events.sinks[0].timeout == 9s);
  CHECK(events.sinks[0].max_retries == 8);
  CHECK(events.sinks[0].full);
  CHECK(events.sinks[1].url.reveal() == "https://user:secret@b/");
}

TEST_CASE("what is wrong with a sink is an error that shows no URL") {
  home files;
  set_daemon(files,
             "[daemon.events]\nenabled = true\nretry_backoff_seconds = [-1]\n"
             "[[daemon.events.sinks]]\nurl = \"ftp://SESAME/\"\ncontent = \"some\"\n"
             "[[daemon.events.sinks]]\nname = \"b\"\n"
             "[[daemon.events.sinks]]\nname = \"b\"\nurl = \"http://c\"\n");
  const auto found = files.examine().findings;
  CHECK(codes(found) == texts{"out_of_range", "invalid_setting", "unknown_value", "missing_key",
                              "missing_name", "duplicate_name"});
  for (const auto& line : files.lines(found)) CHECK(line.find("SESAME") == std::string::npos);
}

TEST_CASE("events without a sink get a warning, and sinks without events none") {
  home files;
  set_daemon(files, "[daemon.events]\nenabled = true\n");
  CHECK(files.said() ==
        texts{"daemon.toml:4:1: warning: daemon.events.enabled = true has no effect "
              "without [[daemon.events.sinks]] [no_effect]"});
  set_daemon(files, "[[daemon.events.sinks]]\nname = \"a\"\n");
  CHECK(files.said().empty());
}

TEST_CASE("the interaction log has the defaults of the reference") {
  home files;
  set_daemon(files, "[daemon.audit]\nenabled = true\n");
  const auto audit = files.settings().audit;
  CHECK(audit.enabled);
  CHECK(audit.log_file == files / "logs/interactions.jsonl");
  CHECK(audit.max_file_size_mb == 100);
  CHECK(audit.admin_requests_per_minute == 60);
  CHECK(audit.dual_write);
  CHECK_FALSE(audit.mac);
  CHECK_FALSE(audit.encrypts);
}

TEST_CASE("every key of the interaction log counts") {
  home files;
  files.write("mac.key", "a key\n");
  files.write("audit.key", std::string(64, 'a') + "\n");
  set_daemon(files,
             "[daemon.audit]\nenabled = true\nlog_file = \"/var/log/n.jsonl\"\n"
             "max_file_size_mb = 3\nadmin_rate_limit_per_minute = 4\ndual_write = false\n"
             "integrity.mode = \"mac\"\nintegrity.mac_key_file = \"file:" +
                 files / "mac.key" +
                 "\"\nencryption.enabled = true\nencryption.key_file = \"file:" +
                 files / "audit.key" + "\"\n");
  const auto audit = files.settings().audit;
  CHECK(audit.log_file == "/var/log/n.jsonl");
  CHECK(audit.max_file_size_mb == 3);
  CHECK(audit.admin_requests_per_minute == 4);
  CHECK_FALSE(audit.dual_write);
  CHECK(audit.mac);
  CHECK(audit.mac_key.reveal() == "a key");
  CHECK(audit.encrypts);
  CHECK(audit.key.reveal() == std::string(32, '\xaa'));
}

TEST_CASE("an interaction log in the file of the security events is an error") {
  home files;
  const std::string audit = "[daemon.audit]\nenabled = true\nlog_file = \"logs/one.jsonl\"\n";
  const std::string security = "[security_events]\nlog_file = \"logs/../logs/one.jsonl\"\n";
  set_daemon(files, audit + security + "enabled = true\n");
  CHECK(codes(files.examine().findings) == texts{"shared_log_file"});
  set_daemon(files, audit + security);
  CHECK(files.examine().findings.empty());
}

TEST_CASE("an interaction log without a file, or without the keys that it needs, is an error") {
  home files;
  set_daemon(files,
             "[daemon.audit]\nenabled = true\nlog_file = \"\"\nintegrity.mode = \"mac\"\n"
             "encryption.enabled = true\n");
  CHECK(codes(files.examine().findings) ==
        texts{"empty_key", "missing_keyfile", "missing_keyfile"});
  set_daemon(files,
             "[daemon.audit]\nenabled = true\nintegrity.mode = \"md5\"\n"
             "encryption.enabled = true\nencryption.key_file = \"short\"\n");
  CHECK(codes(files.examine().findings) == texts{"unknown_value", "bad_key"});
}

TEST_CASE("each provider of embeddings has its defaults") {
  home files;
  set_daemon(files, "[daemon.embedding]\nenabled = true\n");
  auto embedding = files.settings().embedding;
  CHECK(embedding.enabled);
  CHECK(embedding.provider == config::embedding_provider::openai);
  CHECK(embedding.url == "https://api.openai.com");
  CHECK(embedding.model == "text-embedding-3-small");
  CHECK(embedding.dimensions == 1536);
  CHECK(embedding.timeout == 10s);
  set_daemon(files,
             "[daemon.embedding]\nenabled = true\nprovider = \"Ollama\"\n"
             "timeout_seconds = 60\ndimensions = 768\n");
  embedding = files.settings().embedding;
  CHECK(embedding.provider == config::embedding_provider::ollama);
  CHECK(embedding.url == "http://127.0.0.1:11434");
  CHECK(embedding.model == "nomic-embed-text");
  CHECK(embedding.dimensions == 768);
  CHECK(embedding.timeout == 10s);
  set_daemon(files,
             "[daemon.embedding]\nenabled = true\nprovider = \"compatible\"\n"
             "url = \"http://here:1/v/\"\nmodel = \"m\"\ntimeout_seconds = 2\n"
             "api_key = \"k\"\n");
  embedding = files.settings().embedding;
  CHECK(embedding.url == "http://here:1/v");
  CHECK(embedding.model == "m");
  CHECK(embedding.timeout == 2s);
  CHECK(embedding.api_key.reveal() == "k");
}

TEST_CASE("a provider that nobody knows, or whose address is missing or none, is an error") {
  home files;
  set_daemon(files, "[daemon.embedding]\nenabled = true\nprovider = \"compatible\"\n");
  CHECK(codes(files.examine().findings) == texts{"missing_key"});
  set_daemon(files, "[daemon.embedding]\nenabled = true\nurl = \"here\"\n");
  CHECK(codes(files.examine().findings) == texts{"invalid_setting"});
  set_daemon(files, "[daemon.embedding]\nprovider = \"x\"\nurl = \"http://here\"\n");
  CHECK(codes(files.examine().findings) == texts{"unknown_value"});
}
