// What a configuration means where it says nothing, and that it means what it says elsewhere.
#include "tests/config/home.hpp"

using namespace nexus;
using test::home;
using test::texts;

TEST_CASE("the smallest configuration gets every default of the daemon") {
  const home files;
  const config::config c = files.settings();
  CHECK(c.home == files.path());
  CHECK(c.bind == "127.0.0.1");
  CHECK(c.port == 8080);
  CHECK(c.admin_token.reveal() == "root");
  CHECK(c.log_level == "info");
  CHECK(c.log_format == "text");
  CHECK(c.mode.empty());
  CHECK(c.queue_size == 10'000);
  CHECK(c.pending_entries_max == 10'000'000);
  CHECK(c.drain_timeout == std::chrono::seconds(30));
  CHECK(c.global_requests_per_minute == 2000);
  CHECK(c.wal.path == files / "wal");
  CHECK(c.wal.max_segment_size_mb == 50);
  CHECK_FALSE(c.wal.mac);
  CHECK(c.wal.mac_key.empty());
  CHECK(c.wal.accept_unsigned);
  CHECK_FALSE(c.wal.encryption.enabled);
  CHECK(c.wal.encryption.cipher == config::wal_cipher::aes_256_gcm);
  CHECK(c.wal.encryption.keys.empty());
  CHECK(c.wal.retain_delivered_hours == 168);
  CHECK(c.wal.min_free_mb == 16);
  CHECK(c.tier_order == texts{"public", "internal", "confidential", "restricted"});
  CHECK(c.watchdog_interval == std::chrono::seconds(30));
  CHECK(c.watchdog_disk_bytes_min == 104'857'600);
  CHECK(c.trusted_proxy_cidrs.empty());
  CHECK(c.forwarded_headers.empty());
  CHECK_FALSE(c.consistency.enabled);
  CHECK(c.consistency.interval == std::chrono::seconds(300));
  CHECK(c.consistency.sample_size == 100);
  CHECK(c.sources.empty());
}

TEST_CASE("without a destination there is one SQLite database in the home directory") {
  const home files;
  const config::config c = files.settings();
  REQUIRE(c.destinations.size() == 1);
  CHECK(c.destinations[0].name == "sqlite");
  CHECK(c.destinations[0].type == "sqlite");
  CHECK(c.destinations[0].values.at("db_path") == files / "memories.db");
}

TEST_CASE("a source with only its required keys gets every default") {
  home files;
  files.source("");
  const config::config c = files.settings();
  REQUIRE(c.sources.size() == 1);
  const config::source_config& s = c.sources[0];
  CHECK(s.name == "a");
  CHECK(s.api_keys.front().reveal() == "ka");
  CHECK(s.name_space == "a");
  CHECK_FALSE(s.can_read);
  CHECK_FALSE(s.can_write);
  CHECK(s.target_destinations == texts{"sqlite"});
  CHECK(s.ack == config::ack_level::durable);
  CHECK(s.ack_timeout == std::chrono::seconds(10));
  CHECK(s.default_actor_type == "user");
  CHECK(s.default_actor_id.empty());
  CHECK(s.default_profile == "balanced");
  CHECK(s.requests_per_minute == 2000);
  CHECK(s.payload_bytes_max == 10'485'760);
  CHECK(s.mapping.empty());
  CHECK(s.transform.empty());
  CHECK_FALSE(s.idempotency_enabled);
  CHECK(s.dedup_window == std::chrono::seconds(300));
  CHECK(s.policy.allowed_destinations.empty());
  CHECK(s.policy.allowed_operations.empty());
  CHECK(s.policy.allowed_retrieval_modes.empty());
  CHECK(s.policy.allowed_profiles.empty());
  CHECK(s.default_classification_tier == "public");
  CHECK(s.where.line == 2);
}

TEST_CASE("a destination with only its required keys gets every default") {
  home files;
  files.destination("[destination]\nname = \"d\"\ntype = \"web\"\n");
  const config::config c = files.settings();
  REQUIRE(c.destinations.size() == 1);
  const config::destination_config& d = c.destinations[0];
  CHECK(d.name == "d");
  CHECK(d.type == "web");
  CHECK(d.values.empty());
  CHECK(d.workers == 0);
  CHECK(d.batch_size == 256);
  CHECK(d.max_attempts == 5);
  CHECK(d.initial_backoff == std::chrono::milliseconds(1000));
  CHECK(d.max_backoff == std::chrono::milliseconds(60'000));
  CHECK(d.batch_bytes == 4 * 1024 * 1024);
  CHECK(d.linger == std::chrono::milliseconds(0));
  CHECK(d.timeout == std::chrono::seconds(30));
  CHECK(d.ordering == config::delivery_order::none);
  CHECK(d.breaker.failure_threshold == 1);
  CHECK(d.breaker.open == std::chrono::seconds(1));
  CHECK(d.breaker.open_max == std::chrono::seconds(10));
  CHECK(d.breaker.config_fault == std::chrono::seconds(30));
  CHECK_FALSE(d.required);
  CHECK(d.fault.empty());
}

TEST_CASE("every key of the daemon that is written down counts") {
  home files;
  files.daemon(R"([daemon]
port = 9000
bind = "::1"
admin_token = "t"
log_level = "debug"
log_format = "JSON"
mode = " Balanced "
queue_size = 7
max_pending_entries = 8
shutdown.drain_timeout_seconds = 9
rate_limit.global_requests_per_minute = 10
[daemon.wal]
path = "/x/wal/"
max_segment_size_mb = 11
integrity = { mode = "mac", mac_key_file = "k", accept_unsigned = false }
watchdog = { interval_seconds = 12, min_disk_bytes = 13 }
retain_delivered_hours = 14
min_free_mb = 15
[daemon.wal.encryption]
enabled = true
cipher = "XChaCha20-Poly1305"
key_file = "0123456789abcdefghijklmnopqrstuv"
previous_key_files = ["4141414141414141414141414141414141414141414141414141414141414141"]
[daemon.tls]
enabled = false
[daemon.trusted_proxies]
cidrs = ["10.0.0.0/8", "", "fd00::/8"]
forwarded_headers = ["X-Real-IP"]
[daemon.retrieval_firewall]
tier_order = ["public", "secret"]
[consistency]
enabled = true
interval_seconds = 16
sample_size = 17
)");
  const config::config c = files.settings();
  CHECK(c.port == 9000);
  CHECK(c.bind == "::1");
  CHECK(c.log_level == "debug");
  CHECK(c.log_format == "json");
  CHECK(c.mode == "balanced");
  CHECK(c.queue_size == 7);
  CHECK(c.pending_entries_max == 8);
  CHECK(c.drain_timeout == std::chrono::seconds(9));
  CHECK(c.global_requests_per_minute == 10);
  CHECK(c.wal.path == "/x/wal");
  CHECK(c.wal.max_segment_size_mb == 11);
  CHECK(c.wal.mac);
  CHECK(c.wal.mac_key.reveal() == "k");
  CHECK_FALSE(c.wal.accept_unsigned);
  CHECK(c.watchdog_interval == std::chrono::seconds(12));
  CHECK(c.watchdog_disk_bytes_min == 13);
  CHECK(c.wal.retain_delivered_hours == 14);
  CHECK(c.wal.min_free_mb == 15);
  CHECK(c.wal.encryption.enabled);
  CHECK(c.wal.encryption.cipher == config::wal_cipher::xchacha20_poly1305);
  REQUIRE(c.wal.encryption.keys.size() == 2);
  CHECK(c.wal.encryption.keys[0].reveal() == "0123456789abcdefghijklmnopqrstuv");
  CHECK(c.wal.encryption.keys[1].reveal() == std::string(32, 'A'));
  CHECK(c.trusted_proxy_cidrs == texts{"10.0.0.0/8", "fd00::/8"});
  CHECK(c.forwarded_headers == texts{"X-Real-IP"});
  CHECK(c.tier_order == texts{"public", "secret"});
  CHECK(c.consistency.enabled);
  CHECK(c.consistency.interval == std::chrono::seconds(16));
  CHECK(c.consistency.sample_size == 17);
}

TEST_CASE("an idempotency window of 0 is none of the default: it has no end") {
  home files;
  files.source("[source.idempotency]\nenabled = true\ndedup_window_seconds = 0\n");
  CHECK(files.settings().sources.at(0).dedup_window == std::chrono::seconds(0));
}

TEST_CASE("every key of a source that is written down counts") {
  home files;
  files.destination("[destination]\nname = \"d\"\ntype = \"sqlite\"\n");
  files.source(R"(namespace = "n"
can_read = true
can_write = true
target_destination = "d"
ack = "Delivered"
ack_timeout_ms = 600000
default_actor_type = "agent"
default_actor_id = "id"
default_profile = "deep"
[source.rate_limit]
requests_per_minute = 5
[source.payload_limits]
max_bytes = 6
[source.mapping]
role = "z"
content = "message.content"
[source.transform]
role = ["trim", "coalesce:user"]
content = []
[source.idempotency]
enabled = true
dedup_window_seconds = 7
[source.policy]
allowed_destinations = ["d"]
allowed_operations = ["write"]
allowed_retrieval_modes = ["exact"]
allowed_profiles = ["fast"]
[source.policy.retrieval_firewall]
default_classification_tier = "internal"
)");
  const config::source_config s = files.settings().sources.at(0);
  CHECK(s.name_space == "n");
  CHECK(s.can_read);
  CHECK(s.can_write);
  CHECK(s.target_destinations == texts{"d"});
  CHECK(s.ack == config::ack_level::delivered);
  CHECK(s.ack_timeout == std::chrono::milliseconds(600'000));
  CHECK(s.default_actor_type == "agent");
  CHECK(s.default_actor_id == "id");
  CHECK(s.default_profile == "deep");
  CHECK(s.requests_per_minute == 5);
  CHECK(s.payload_bytes_max == 6);
  // In the order of the file, not of the alphabet.
  REQUIRE(s.mapping.size() == 2);
  CHECK(s.mapping[0] == std::pair<std::string, std::string>("role", "z"));
  CHECK(s.mapping[1] == std::pair<std::string, std::string>("content", "message.content"));
  REQUIRE(s.transform.size() == 2);
  CHECK(s.transform[0].first == "role");
  CHECK(s.transform[0].second == texts{"trim", "coalesce:user"});
  CHECK(s.idempotency_enabled);
  CHECK(s.dedup_window == std::chrono::seconds(7));
  CHECK(s.policy.allowed_destinations == texts{"d"});
  CHECK(s.policy.allowed_operations == texts{"write"});
  CHECK(s.policy.allowed_retrieval_modes == texts{"exact"});
  CHECK(s.policy.allowed_profiles == texts{"fast"});
  CHECK(s.default_classification_tier == "internal");
}

TEST_CASE("every key of a destination that is written down counts") {
  home files;
  const test::variable token("NEXUS_TEST_TOKEN", "sesame");
  const test::variable user("HOME", "/home/someone");
  files.destination(R"([destination]
name = "d"
type = "web"
workers = 3
batch_size = 4
max_attempts = 6
initial_backoff_ms = 20
max_backoff_ms = 30
url = "http://there"
token = "env:NEXUS_TEST_TOKEN"
timeout = 15
strict = true
cert = "~/cert.pem"
dsn = "known from v0.1.2, though not to this type"
batch_bytes = 1024
linger_ms = 60000
timeout_ms = 3600000
ordering = "Subject"
required = true
[destination.breaker]
failure_threshold = 2
open_ms = 40
max_open_ms = 50
config_fault_ms = 60
[destination.decay]
half_life_days = 7.5
[destination.decay.collections.notes]
decay_mode = "step"
)");
  const config::destination_config d = files.settings().destinations.at(0);
  CHECK(d.workers == 3);
  CHECK(d.batch_size == 4);
  CHECK(d.max_attempts == 6);
  CHECK(d.initial_backoff == std::chrono::milliseconds(20));
  CHECK(d.max_backoff == std::chrono::milliseconds(30));
  CHECK(d.values == std::map<std::string, std::string>{{"url", "http://there"},
                                                       {"token", "sesame"},
                                                       {"timeout", "15"},
                                                       {"strict", "true"},
                                                       {"cert", "/home/someone/cert.pem"}});
  CHECK(d.batch_bytes == 1024);
  CHECK(d.linger == std::chrono::minutes(1));
  CHECK(d.timeout == std::chrono::hours(1));
  CHECK(d.ordering == config::delivery_order::subject);
  CHECK(d.required);
  CHECK(d.breaker.failure_threshold == 2);
  CHECK(d.breaker.open == std::chrono::milliseconds(40));
  CHECK(d.breaker.open_max == std::chrono::milliseconds(50));
  CHECK(d.breaker.config_fault == std::chrono::milliseconds(60));
}

TEST_CASE("numbers that are zero or less mean the default") {
  home files;
  files.daemon(R"([daemon]
admin_token = "t"
queue_size = 0
max_pending_entries = -1
shutdown.drain_timeout_seconds = -5
rate_limit.global_requests_per_minute = 0
wal.max_segment_size_mb = -1
wal.watchdog.interval_seconds = 0
)");
  files.source("rate_limit.requests_per_minute = -1\npayload_limits.max_bytes = 0\n");
  files.destination(
      "[destination]\nname = \"d\"\ntype = \"web\"\nworkers = -1\nbatch_size = 0\n"
      "max_attempts = 0\ninitial_backoff_ms = 0\nmax_backoff_ms = -1\nbatch_bytes = 0\n"
      "linger_ms = -1\ntimeout_ms = 0\n[destination.breaker]\nfailure_threshold = 0\n"
      "open_ms = 0\nmax_open_ms = -1\nconfig_fault_ms = 0\n");
  const config::config c = files.settings();
  CHECK(c.queue_size == 10'000);
  CHECK(c.pending_entries_max == 10'000'000);
  CHECK(c.drain_timeout == std::chrono::seconds(30));
  CHECK(c.global_requests_per_minute == 2000);
  CHECK(c.wal.max_segment_size_mb == 50);
  CHECK(c.watchdog_interval == std::chrono::seconds(30));
  CHECK(c.sources[0].requests_per_minute == 2000);
  CHECK(c.sources[0].payload_bytes_max == 10'485'760);
  CHECK(c.destinations[0].workers == 0);
  CHECK(c.destinations[0].batch_size == 256);
  CHECK(c.destinations[0].max_attempts == 5);
  CHECK(c.destinations[0].initial_backoff == std::chrono::milliseconds(1000));
  CHECK(c.destinations[0].max_backoff == std::chrono::milliseconds(60'000));
  CHECK(c.destinations[0].batch_bytes == 4 * 1024 * 1024);
  CHECK(c.destinations[0].linger == std::chrono::milliseconds(0));
  CHECK(c.destinations[0].timeout == std::chrono::seconds(30));
  CHECK(c.destinations[0].breaker.failure_threshold == 1);
  CHECK(c.destinations[0].breaker.open == std::chrono::seconds(1));
  CHECK(c.destinations[0].breaker.open_max == std::chrono::seconds(10));
  CHECK(c.destinations[0].breaker.config_fault == std::chrono::seconds(30));
}

TEST_CASE("port 0 asks for any free port") {
  home files;
  files.daemon("[daemon]\nport = 0\nadmin_token = \"t\"\n");
  CHECK(files.settings().port == 0);
}

TEST_CASE("a source without a target delivers to the first destination in lexical order") {
  home files;
  files.source("");
  files.write("destinations/2.toml", "[destination]\nname = \"second\"\ntype = \"web\"\n");
  files.write("destinations/1.toml", "[destination]\nname = \"first\"\ntype = \"web\"\n");
  files.write("destinations/0.toml.off", "not a configuration file");
  const config::config c = files.settings();
  CHECK(c.destinations.at(0).name == "first");
  CHECK(c.destinations.at(1).name == "second");
  CHECK(c.sources.at(0).target_destinations == texts{"first"});
}

TEST_CASE("a SQLite destination without db_path keeps its file in the home directory") {
  home files;
  files.destination("[destination]\nname = \"d\"\ntype = \"sqlite\"\n");
  CHECK(files.settings().destinations.at(0).values.at("db_path") == files / "memories.db");
  files.destination("[destination]\nname = \"d\"\ntype = \"sqlite\"\ndb_path = \"/x/y.db\"\n");
  CHECK(files.settings().destinations.at(0).values.at("db_path") == "/x/y.db");
}

TEST_CASE("a source that sets no rate gets the global one") {
  home files;
  files.daemon("[daemon]\nadmin_token = \"t\"\nrate_limit.global_requests_per_minute = 77\n");
  files.source("");
  CHECK(files.settings().sources.at(0).requests_per_minute == 77);
}
