// What the loader says of files that are wrong: every problem at once, each with its place and a
// way out.
#include <sys/stat.h>

#include <filesystem>

#include "tests/config/home.hpp"

using namespace nexus;
using test::home;
using test::texts;

namespace {

/// What is said of a daemon.toml with these lines below [daemon] and admin_token: they begin in
/// line 3.
texts said_of_daemon(const std::string& lines) {
  home files;
  files.daemon("[daemon]\nadmin_token = \"t\"\n" + lines);
  return files.said();
}

/// The same for a source: the lines begin in line 4.
texts said_of_source(const std::string& lines) {
  home files;
  files.source(lines);
  return files.said();
}

/// The same for a destination of type "web": the lines begin in line 4.
texts said_of_destination(const std::string& lines) {
  home files;
  files.destination("[destination]\nname = \"d\"\ntype = \"web\"\n" + lines);
  return files.said();
}

}  // namespace

TEST_CASE("a missing daemon.toml is an error that says how to get one") {
  const test::temp_dir empty;
  const auto found = config::examine(empty.path(), test::some_types());
  CHECK_FALSE(found.settings);
  REQUIRE(found.findings.size() == 1);
  CHECK(to_string(found.findings[0]) == empty / "daemon.toml" +
                                            ": error: there is no daemon.toml; `nexus init` makes "
                                            "one, and --home or NEXUS_HOME names "
                                            "another home directory [missing_file]");
}

TEST_CASE("a file that is not TOML is an error with its place, without the marker") {
  const texts said = said_of_daemon("port = = 1\n");
  REQUIRE(said.size() == 1);
  CHECK(said[0].starts_with("daemon.toml:3:8: error: this is not TOML: "));
  CHECK(said[0].ends_with(" [syntax]"));
  home files;
  files.write("sources/a.toml", "[source\n");
  files.write("destinations/d.toml", "[destination]\nname = \"d\nt\"\n");
  const auto found = files.examine();
  CHECK_FALSE(found.settings);
  CHECK(test::codes(found.findings) == texts{"syntax", "syntax"});
  CHECK(found.findings[0].where.line == 1);
  CHECK(found.findings[1].where.line == 2);
}

TEST_CASE("a pipe among the files is an error, and nobody waits for what it would say") {
  for (const std::string name : {"sources/p.toml", "destinations/p.toml", "daemon.toml"}) {
    const home files;
    const auto path = files / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::filesystem::remove(path);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(files.said() ==
          texts{name + ": error: cannot read " + name + ": it is no file [unreadable]"});
  }
}

TEST_CASE("a directory in the place of a file is an error") {
  home files;
  std::filesystem::create_directories(files / "sources/s.toml");
  CHECK(files.said() == texts{"sources/s.toml: error: cannot read sources/s.toml: Is a directory "
                              "[unreadable]"});
  CHECK_FALSE(files.examine().settings);
}

TEST_CASE("a wrong type is an error with its place, without the marker") {
  CHECK(said_of_daemon("port = \"8080\"\n") ==
        texts{"daemon.toml:3:8: error: daemon.port must be an integer, but this is a string "
              "[wrong_type]"});
  CHECK(said_of_daemon("port = 80.5\n") ==
        texts{"daemon.toml:3:8: error: daemon.port must be an integer, but this is a number with "
              "a fraction [wrong_type]"});
  CHECK(said_of_daemon("bind = 127\n") ==
        texts{"daemon.toml:3:8: error: daemon.bind must be a string, but this is an integer "
              "[wrong_type]"});
  CHECK(said_of_daemon("wal = true\n") ==
        texts{"daemon.toml:3:7: error: daemon.wal must be a table, but this is true or false "
              "[wrong_type]"});
  CHECK(said_of_daemon("log_level = 2026-01-01\n") ==
        texts{"daemon.toml:3:13: error: daemon.log_level must be a string, but this is a date or "
              "time [wrong_type]"});
  CHECK(said_of_daemon("trusted_proxies.cidrs = \"::1/128\"\n") ==
        texts{"daemon.toml:3:25: error: daemon.trusted_proxies.cidrs must be a list of strings, "
              "but this is a string [wrong_type]"});
  CHECK(said_of_daemon("[daemon.events]\nsinks = [1]\nretry_backoff_seconds = [1, \"2\"]\n") ==
        texts{"daemon.toml:4:10: error: daemon.events.sinks must be a list of tables, but this "
              "element is an integer [wrong_type]",
              "daemon.toml:5:29: error: daemon.events.retry_backoff_seconds must be a list of "
              "integers, but this element is a string [wrong_type]"});
  CHECK(said_of_source("can_write = \"yes\"\n") ==
        texts{"sources/a.toml:4:13: error: source.can_write must be true or false, but this is a "
              "string [wrong_type]"});
  CHECK(said_of_source("[source.transform]\nrole = [\"trim\", 7]\n") ==
        texts{"sources/a.toml:5:17: error: source.transform.role must be a list of strings, but "
              "this element is an integer [wrong_type]"});
  CHECK(said_of_destination("url = [\"a\"]\n") ==
        texts{"destinations/d.toml:4:7: error: destination.url must be a string, but this is a "
              "list [wrong_type]"});
  CHECK(said_of_destination("timeout = {}\n") ==
        texts{"destinations/d.toml:4:11: error: destination.timeout must be an integer, but this "
              "is a table [wrong_type]"});
  CHECK(said_of_destination("timeout = \"15\"\n") ==
        texts{"destinations/d.toml:4:11: error: destination.timeout must be an integer, but this "
              "is a string [wrong_type]"});
  CHECK(said_of_destination("strict = \"true\"\n") ==
        texts{"destinations/d.toml:4:10: error: destination.strict must be true or false, but this "
              "is a string [wrong_type]"});
  CHECK(said_of_destination("decay.half_life_days = \"x\"\n") ==
        texts{"destinations/d.toml:4:24: error: destination.decay.half_life_days must be a number, "
              "but this is a string [wrong_type]"});
}

TEST_CASE("a required key of the wrong type is reported once, as that") {
  home files;
  files.daemon("[daemon]\nadmin_token = 1\n");
  files.write("sources/a.toml", "[source]\nname = 1\napi_key = 2\n");
  files.write("destinations/d.toml", "[destination]\nname = 1\ntype = 2\n");
  CHECK(test::codes(files.examine().findings) ==
        texts{"wrong_type", "wrong_type", "wrong_type", "wrong_type", "wrong_type"});
}

TEST_CASE("an unknown key in a destination's file is an error") {
  CHECK(said_of_destination("tokn = \"x\"\n") ==
        texts{"destinations/d.toml:4:1: error: unknown key \"tokn\" in [destination]; did you mean "
              "\"token\"? [unknown_key]"});
  CHECK(
      said_of_destination("[destination.breaker]\nopen_sm = 5\n[other]\n") ==
      texts{"destinations/d.toml:5:1: error: unknown key \"open_sm\" in [destination.breaker]; did "
            "you mean \"open_ms\"? [unknown_key]",
            "destinations/d.toml:6:2: error: unknown key \"other\" at the top of the file; "
            "docs/configuration.md lists all keys [unknown_key]"});
  CHECK(said_of_destination("db_path = \"x\"\ndsn = \"y\"\napi_key = \"z\"\n"
                            "decay.half_life_days = 7\n")
            .empty());
}

TEST_CASE("where the type is unknown, its keys are not unknown as well") {
  home files;
  files.destination("[destination]\nname = \"d\"\ntype = \"wbe\"\ntokn = 1\n");
  CHECK(test::codes(files.examine().findings) == texts{"unknown_type"});
}

TEST_CASE("an unknown key is a warning with its place and the nearest known key") {
  const std::string in_daemon = " in [daemon] has no effect; did you mean ";
  CHECK(said_of_daemon("prot = 1\n") == texts{"daemon.toml:3:1: warning: unknown key \"prot\"" +
                                              in_daemon + "\"port\"? [unknown_key]"});
  CHECK(said_of_daemon("queue-size = 1\n") ==
        texts{"daemon.toml:3:1: warning: unknown key \"queue-size\"" + in_daemon +
              "\"queue_size\"? [unknown_key]"});
  CHECK(said_of_daemon("Port = 1\n") == texts{"daemon.toml:3:1: warning: unknown key \"Port\"" +
                                              in_daemon + "\"port\"? [unknown_key]"});
  CHECK(said_of_daemon("xyzzy = 1\n") ==
        texts{"daemon.toml:3:1: warning: unknown key \"xyzzy\" in [daemon] has no effect; "
              "docs/configuration.md lists all keys [unknown_key]"});
  CHECK(said_of_daemon("[daemon.wal.integrty]\nmode = \"mac\"\n") ==
        texts{"daemon.toml:3:13: warning: unknown key \"integrty\" in [daemon.wal] has no effect; "
              "did you mean \"integrity\"? [unknown_key]"});
  CHECK(said_of_source("idempotency = { enable = true }\n") ==
        texts{"sources/a.toml:4:17: warning: unknown key \"enable\" in [source.idempotency] has no "
              "effect; did you mean \"enabled\"? [unknown_key]"});
  home files;
  files.write("daemon.toml", "prot = 1\nport = 1\n[daemon]\nadmin_token = \"t\"\n");
  CHECK(files.said() ==
        texts{"daemon.toml:1:1: warning: unknown key \"prot\" at the top of the file has no "
              "effect; docs/configuration.md lists all keys [unknown_key]",
              "daemon.toml:2:1: warning: unknown key \"port\" at the top of the file has no "
              "effect; did you mean \"daemon.port\"? [unknown_key]"});
}

TEST_CASE("keys that were documented and never read get the right key's name") {
  const auto mean = [](const std::string& place, const std::string& key, const std::string& table,
                       const std::string& right) {
    const bool grave = table == "destination";
    return texts{place + (grave ? ":1: error: " : ":1: warning: ") + "unknown key \"" + key +
                 "\" in [" + table + (grave ? "]" : "] has no effect") + "; did you mean \"" +
                 right + "\"? [unknown_key]"};
  };
  CHECK(said_of_source("rate_limit_rpm = 5\n") == mean("sources/a.toml:4", "rate_limit_rpm",
                                                       "source",
                                                       "source.rate_limit.requests_per_minute"));
  CHECK(said_of_source("max_payload_bytes = 5\n") ==
        mean("sources/a.toml:4", "max_payload_bytes", "source", "source.payload_limits.max_bytes"));
  CHECK(said_of_destination("path = \"x\"\n") ==
        mean("destinations/d.toml:4", "path", "destination", "destination.db_path"));
  CHECK(said_of_destination("connection_string = \"x\"\n") ==
        mean("destinations/d.toml:4", "connection_string", "destination", "destination.dsn"));
  CHECK(said_of_daemon("drain_timeout_seconds = 5\n") ==
        mean("daemon.toml:3", "drain_timeout_seconds", "daemon",
             "daemon.shutdown.drain_timeout_seconds"));
}

TEST_CASE("warnings do not keep a configuration from loading") {
  home files;
  files.daemon("[daemon]\nadmin_token = \"t\"\nprot = 1\n");
  const auto loaded = config::load(files.path(), test::some_types());
  REQUIRE(loaded.ok());
  CHECK(loaded->settings.port == 8080);
  CHECK(test::codes(loaded->findings) == texts{"unknown_key"});
}

TEST_CASE("keys of v0.1.2 that have no effect yet are known, and checked for their type only") {
  CHECK(said_of_daemon("[daemon.mcp]\nenabled = false\nport = 7474\n"
                       "[daemon.embedding]\nmodel = \"m\"\n[daemon.web]\nport = 1\n"
                       "[[daemon.events.sinks]]\nname = \"n\"\n[daemon.audit.integrity]\n"
                       "mode = \"mac\"\n[retrieval]\nhalf_life_days = 7\n[consistency]\n"
                       "sample_size = 1\n[security_events]\nlog_file = \"x\"\n")
            .empty());
  CHECK(said_of_source("[source.policy]\nmax_results = 5\n[source.policy.cache]\n"
                       "max_ttl_seconds = 1\n[source.retrieval_firewall]\nblocked_labels = []\n")
            .empty());
}

TEST_CASE("a feature that is switched on but not there gets a warning") {
  CHECK(said_of_daemon("[daemon.mcp]\nenabled = true\n") ==
        texts{"daemon.toml:4:1: warning: daemon.mcp.enabled = true has no effect: this version "
              "does not have that feature [no_effect]"});
}

TEST_CASE("numbers outside their range are errors") {
  CHECK(
      said_of_daemon("port = 65536\n") ==
      texts{"daemon.toml:3:1: error: SCHEMA_ERROR: daemon.port is 65536; it can be 1 to 65535, or "
            "0 for any free port [out_of_range]"});
  CHECK(said_of_daemon("port = -1\n").size() == 1);
  CHECK(said_of_daemon("port = 65535\n").empty());
  CHECK(said_of_daemon("queue_size = 9000000000000000000\n") ==
        texts{"daemon.toml:3:1: error: SCHEMA_ERROR: daemon.queue_size is 9000000000000000000; the "
              "most is 1000000000 [out_of_range]"});
  CHECK(said_of_daemon("wal.max_segment_size_mb = 65536\n").empty());
  CHECK(said_of_daemon("wal.max_segment_size_mb = 65537\n").size() == 1);
  CHECK(said_of_daemon("shutdown.drain_timeout_seconds = 86401\n").size() == 1);
  CHECK(said_of_source("payload_limits.max_bytes = 1073741825\n").size() == 1);
  CHECK(said_of_destination("workers = 257\n").size() == 1);
  CHECK(said_of_destination("batch_bytes = 1023\n") ==
        texts{"destinations/d.toml:4:1: error: SCHEMA_ERROR: destination.batch_bytes is 1023; the "
              "least is 1024 [out_of_range]"});
  CHECK(said_of_destination("batch_bytes = 268435457\n").size() == 1);
  CHECK(said_of_destination("batch_bytes = 268435456\n").empty());
  CHECK(said_of_destination("linger_ms = 60001\n").size() == 1);
  CHECK(said_of_destination("timeout_ms = 3600001\n").size() == 1);
  CHECK(said_of_destination("breaker.open_ms = 10001\n") ==
        texts{"destinations/d.toml:4:9: error: SCHEMA_ERROR: open_ms (10001) is above max_open_ms "
              "(10000) [out_of_range]"});
  CHECK(said_of_source("ack_timeout_ms = 600001\n").size() == 1);
  CHECK(said_of_daemon("[consistency]\nsample_size = 10001\n").size() == 1);
  CHECK(said_of_daemon("[consistency]\ninterval_seconds = 86401\n").size() == 1);
  CHECK(said_of_destination("initial_backoff_ms = 70000\n") ==
        texts{"destinations/d.toml:4:1: error: SCHEMA_ERROR: initial_backoff_ms (70000) is above "
              "max_backoff_ms (60000) [out_of_range]"});
}

TEST_CASE("words that must be one of a few are checked") {
  CHECK(said_of_daemon("log_level = \"loud\"\n") ==
        texts{"daemon.toml:3:1: warning: daemon.log_level is \"loud\"; known values: info, debug, "
              "warn, error; using info [unknown_value]"});
  CHECK(said_of_daemon("log_format = \"xml\"\n").size() == 1);
  CHECK(said_of_daemon("wal.integrity.mode = \"sha\"\n") ==
        texts{"daemon.toml:3:15: error: SCHEMA_ERROR: daemon.wal.integrity.mode is \"sha\"; it can "
              "be crc32 or mac [unknown_value]"});
  CHECK(said_of_daemon("wal.integrity.mode = \"mac\"\n") ==
        texts{"daemon.toml:3:5: error: SCHEMA_ERROR: daemon.wal.integrity.mac_key_file is missing; "
              "set it to env:NAME, file:/path or the key itself [missing_keyfile]"});
  CHECK(said_of_source("default_actor_type = \"User\"\n") ==
        texts{"sources/a.toml:4:1: warning: source.default_actor_type is \"User\"; requests "
              "without an X-Actor-Type header will be refused: it must be user, agent or system "
              "[unknown_value]"});
  CHECK(said_of_destination("ordering = \"subjects\"\n") ==
        texts{"destinations/d.toml:4:1: error: SCHEMA_ERROR: destination.ordering is \"subjects\"; "
              "it can be none, source or subject [unknown_value]"});
  CHECK(said_of_source("ack = \"delivery\"\n") ==
        texts{"sources/a.toml:4:1: error: SCHEMA_ERROR: source.ack is \"delivery\"; it can be "
              "durable or delivered [unknown_value]"});
  CHECK(said_of_source("default_profile = \"quick\"\n") ==
        texts{"sources/a.toml:4:1: warning: source.default_profile is \"quick\", which no client "
              "could ask for; known values: fast, balanced, deep [unknown_value]"});
  CHECK(
      said_of_source("retrieval_firewall.default_classification_tier = \"top\"\n") ==
      texts{"sources/a.toml:2:1: warning: default_classification_tier is \"top\", which is not in "
            "tier_order; requests without an X-Classification-Tier header will be refused "
            "[unknown_value]"});
}

TEST_CASE("words of a policy that allow nothing are warnings") {
  CHECK(said_of_source("policy.allowed_operations = [\"write\", \"READ\"]\n") ==
        texts{"sources/a.toml:4:8: warning: source.policy.allowed_operations has \"READ\", which "
              "allows nothing; known values: write, read [unknown_value]"});
  CHECK(said_of_source("policy.allowed_profiles = [\"deep\", \"slow\"]\n") ==
        texts{"sources/a.toml:4:8: warning: source.policy.allowed_profiles has \"slow\", which "
              "allows nothing; known values: fast, balanced, deep [unknown_value]"});
  CHECK(said_of_source("policy.allowed_destinations = [\"sqlite\", \"sqlit\"]\n") ==
        texts{"sources/a.toml:4:42: warning: source.policy.allowed_destinations has \"sqlit\", "
              "which is no destination; there are: sqlite [unknown_value]"});
}

TEST_CASE("trusted proxies must be address ranges") {
  const auto one = [](const std::string& cidr) {
    return said_of_daemon("trusted_proxies.cidrs = [\"" + cidr + "\"]\n");
  };
  CHECK(one("10.0.0.0/33") ==
        texts{"daemon.toml:3:17: error: SCHEMA_ERROR: \"10.0.0.0/33\" is not an address range such "
              "as 10.0.0.0/8 or ::1/128 [invalid_cidr]"});
  for (const char* bad :
       {"10.0.0.0", "10.0.0/8", "proxy/8", "::1/129", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1"}) {
    INFO(bad);
    CHECK(one(bad).size() == 1);
  }
  for (const char* good : {"10.0.0.0/8", "192.168.1.7/32", "::1/128", "fd00::/8", ""}) {
    INFO(good);
    CHECK(one(good).empty());
  }
}

TEST_CASE("a source needs a name and a key") {
  home files;
  files.write("sources/a.toml", "[source]\ncan_read = true\n");
  CHECK(files.said() ==
        texts{"sources/a.toml:1:2: error: SCHEMA_ERROR: a source needs a name: name = \"…\" under "
              "[source] [missing_name]",
              "sources/a.toml:1:2: error: SCHEMA_ERROR: source.api_key is missing; set it to "
              "env:NAME, file:/path or the key itself [empty_key]"});
}

TEST_CASE("a destination needs a name and a known type") {
  home files;
  files.write("destinations/d.toml", "[destination]\ntype = \"\"\n");
  CHECK(files.said() == texts{"destinations/d.toml:1:2: error: SCHEMA_ERROR: destination.name is "
                              "missing [missing_name]",
                              "destinations/d.toml:2:1: error: SCHEMA_ERROR: destination.type is "
                              "empty [missing_type]"});
  files.write("destinations/d.toml", "[destination]\nname = \"d\"\ntype = \"oracle\"\n");
  CHECK(files.said() == texts{"destinations/d.toml:3:1: error: SCHEMA_ERROR: destination type "
                              "\"oracle\" is unknown; known types: sqlite, web [unknown_type]"});
}

TEST_CASE("two sources or destinations of one name are an error that names both places") {
  home files;
  files.write("sources/a.toml", "[source]\nname = \"x\"\napi_key = \"1\"\n");
  files.write("sources/b.toml", "[source]\napi_key = \"2\"\nname = \"x\"\n");
  files.write("destinations/a.toml", "[destination]\nname = \"y\"\ntype = \"web\"\n");
  files.write("destinations/b.toml", "[destination]\nname = \"y\"\ntype = \"web\"\n");
  CHECK(files.said() == texts{"sources/b.toml:3:1: error: SCHEMA_ERROR: there is another source "
                              "named \"x\" at sources/a.toml:2 [duplicate_name]",
                              "destinations/b.toml:2:1: error: SCHEMA_ERROR: there is another "
                              "destination named \"y\" at destinations/a.toml:2; this one is not "
                              "used [duplicate_name]"});
}

TEST_CASE("two sources with one key are an error, however they come to it") {
  home files;
  const test::variable set("NEXUS_TEST_KEY", "same");
  files.write("sources/a.toml", "[source]\nname = \"a\"\napi_key = \"same\"\n");
  files.write("sources/b.toml", "[source]\nname = \"b\"\napi_key = \"env:NEXUS_TEST_KEY\"\n");
  CHECK(files.said() ==
        texts{"sources/b.toml:3:1: error: SCHEMA_ERROR: source \"b\" has the same "
              "api_key as source \"a\" at sources/a.toml:3; each source needs a key "
              "of its own [duplicate_key]"});
  files.write("sources/b.toml", "[source]\nname = \"b\"\napi_key = \"other\"\n");
  CHECK(files.said().empty());
}

TEST_CASE("a source that points at nothing is an error that lists what there is") {
  home files;
  files.source("target_destination = \"nowhere\"\n");
  files.destination("[destination]\nname = \"d\"\ntype = \"web\"\n");
  CHECK(files.said() ==
        texts{"sources/a.toml:4:1: error: SCHEMA_ERROR: there is no destination \"nowhere\"; there "
              "are: d [unknown_destination]"});
}

TEST_CASE("a destination file that cannot be read does not also make its name unknown") {
  home files;
  files.source("target_destination = \"d\"\n");
  files.destination("[destination]\nname = \"d\ntype = \"web\"\n");
  CHECK(test::codes(files.examine().findings) == texts{"syntax"});
}

TEST_CASE("OAuth settings that v0.1.2 refuses are refused") {
  const auto of = [](const std::string& lines) {
    home files;
    files.daemon("[daemon]\nadmin_token = \"t\"\n[daemon.oauth]\n" + lines);
    return files.examine();
  };
  CHECK(of("enabled = false\nprivate_key_file = \"literal\"\n").findings.empty());
  const auto bad = of("enabled = true\nprivate_key_file = \"literal\"\n");
  CHECK_FALSE(bad.settings);
  CHECK(test::codes(bad.findings) ==
        texts{"no_effect", "oauth_issuer", "oauth_key", "oauth_clients"});
  const auto good =
      of("enabled = true\nprivate_key_file = \"env:KEY\"\nissuer_url = \"https://x\"\n");
  CHECK(good.settings);
  CHECK(test::codes(good.findings) == texts{"no_effect", "oauth_clients"});
}

TEST_CASE("one run shows every problem of every file, in their order") {
  home files;
  files.daemon("[daemon]\nport = 70000\nprot = 1\n");
  files.source("can_read = 1\n");
  files.destination("[destination]\nname = \"d\"\ntype = \"oracle\"\n");
  files.write("destinations/e.toml", "=");
  const auto loaded = config::load(files.path(), test::some_types());
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.reason().code == core::errc::bad_config);
  CHECK(loaded.reason().text.find("SCHEMA_ERROR") != std::string::npos);
  CHECK(std::count(loaded.reason().text.begin(), loaded.reason().text.end(), '\n') == 5);
  CHECK(test::codes(files.examine().findings) ==
        texts{"unknown_key", "out_of_range", "empty_key", "wrong_type", "unknown_type", "syntax"});
}

TEST_CASE("a mapping path that cannot be used is a warning with its place and the byte in it") {
  home files;
  files.source("[source.mapping]\ncontent = \"a.#(b==1)#.c\"\nlang = '[a,b]'\nrole = \"a.#(b\"\n");
  const auto found = files.examine();
  CHECK(files.lines(found.findings) ==
        texts{"sources/a.toml:6:8: warning: source.mapping.lang finds nothing: path \"[a,b]\", "
              "offset 0: several paths in one ([a,b] or {a,b}) are not supported; write \\[ for a "
              "key that begins so [invalid_path]",
              "sources/a.toml:7:8: warning: source.mapping.role finds nothing: path \"a.#(b\", "
              "offset 2: the query is not closed; it looks like #(role==\"user\") [invalid_path]"});
  REQUIRE(found.settings);
  CHECK(found.settings->sources[0].mapping.size() == 3);
}

TEST_CASE("a transform that does nothing is a warning, with what may have been meant") {
  CHECK(said_of_source(
            "[source.transform]\nrole = [\"upper\", \"Trim\", \"coalese:x\", \"coalesce\"]\n"
            "model = [\"trim\", \"coalesce:\"]\n") ==
        texts{"sources/a.toml:5:9: warning: transform \"upper\" has no effect; there are trim and "
              "coalesce:<default> [unknown_transform]",
              "sources/a.toml:5:18: warning: transform \"Trim\" has no effect; did you mean "
              "\"trim\"? [unknown_transform]",
              "sources/a.toml:5:26: warning: transform \"coalese:x\" has no effect; did you mean "
              "\"coalesce:<default>\"? [unknown_transform]",
              "sources/a.toml:5:39: warning: transform \"coalesce\" has no effect; did you mean "
              "\"coalesce:<default>\"? [unknown_transform]"});
  CHECK(said_of_source("[source.mapping]\nlang = \"l\"\n[source.transform]\nlang = [\"trim\"]\n"
                       "long = [\"trim\"]\n") ==
        texts{"sources/a.toml:8:1: warning: source.transform.long has no effect: long is neither "
              "mapped nor a field of the payload [no_effect]"});
}
