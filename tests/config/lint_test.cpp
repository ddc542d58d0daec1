// Advice: one case that gets it and one that does not, for each code.
#include "config/certificate.hpp"
#include "tests/config/home.hpp"

using namespace nexus;
using test::has_code;
using test::home;
using test::texts;

namespace {

const char* const long_key = "0123456789abcdef of the admin";
const std::string quiet_daemon = "[daemon]\nadmin_token = \"env:NEXUS_TEST_KEY\"\n";
const std::string idempotent = "[source.idempotency]\nenabled = true\n";

std::vector<config::finding> of_daemon(const std::string& lines) {
  const test::variable set("NEXUS_TEST_KEY", long_key);
  home files;
  files.daemon(quiet_daemon + lines);
  return files.lint();
}

std::vector<config::finding> of_source(const std::string& text,
                                       const std::string& daemon = quiet_daemon) {
  const test::variable set("NEXUS_TEST_KEY", long_key);
  const test::variable other("NEXUS_TEST_SOURCE_KEY", "0123456789abcdef of the source");
  home files;
  files.daemon(daemon);
  files.write("sources/a.toml", text);
  return files.lint();
}

}  // namespace

TEST_CASE("a configuration with nothing to say about gets no advice") {
  CHECK(of_daemon("").empty());
  CHECK(of_source("[source]\nname = \"a\"\napi_key = \"env:NEXUS_TEST_SOURCE_KEY\"\n" + idempotent)
            .empty());
}

TEST_CASE("dangerous_bind: every network without TLS") {
  home files;
  files.daemon(
      "[daemon]\nadmin_token = \"0123456789abcdef\"\nmode = \"simple\"\nbind = \"0.0.0.0\"\n");
  CHECK(
      files.lines(files.lint()) ==
      texts{"daemon.toml:4:1: warning: daemon.bind = \"0.0.0.0\" listens on every network, "
            "without TLS; switch on daemon.tls.enabled, or use 127.0.0.1 and a proxy that does TLS "
            "[dangerous_bind]"});
  CHECK(has_code(of_daemon("bind = \"::\"\n"), "dangerous_bind"));
  CHECK_FALSE(has_code(of_daemon("bind = \"\"\n"), "dangerous_bind"));
  CHECK_FALSE(has_code(of_daemon("bind = \"10.0.0.1\"\n"), "dangerous_bind"));
}

TEST_CASE("dangerous_bind: not with TLS") {
  const auto made = config::make_self_signed("");
  REQUIRE(made.ok());
  home files;
  files.write("cert.pem", made->certificate + std::string(made->key.reveal()));
  files.daemon(quiet_daemon + "bind = \"0.0.0.0\"\ntls.enabled = true\ntls.cert_file = \"" +
               files / "cert.pem" + "\"\ntls.key_file = \"" + files / "cert.pem" + "\"\n");
  const test::variable set("NEXUS_TEST_KEY", long_key);
  CHECK(files.lint().empty());
}

TEST_CASE("safe_mode_tls_disabled: mode safe, and TLS switched off") {
  const std::string safe =
      "mode = \"safe\"\nwal.integrity.mac_key_file = \"env:NEXUS_TEST_KEY\"\n"
      "wal.encryption.enabled = false\n";
  CHECK(test::codes(of_daemon(safe + "tls.enabled = false\n")) == texts{"safe_mode_tls_disabled"});
  CHECK_FALSE(has_code(of_daemon(safe), "safe_mode_tls_disabled"));
  CHECK_FALSE(has_code(of_daemon("tls.enabled = false\n"), "safe_mode_tls_disabled"));
}

TEST_CASE("incomplete_proxies: proxies without headers, or headers without proxies") {
  const std::string ranges = "trusted_proxies.cidrs = [\"10.0.0.0/8\"]\n";
  const std::string headers = "trusted_proxies.forwarded_headers = [\"X-Real-IP\"]\n";
  CHECK(test::codes(of_daemon(ranges)) == texts{"incomplete_proxies"});
  CHECK(test::codes(of_daemon(headers)) == texts{"incomplete_proxies"});
  CHECK(of_daemon(ranges + headers).empty());
}

TEST_CASE("unmatched_origin: an origin that no browser sends") {
  const auto of_origin = [](const std::string& origin) {
    return test::codes(of_daemon("cors.allowed_origins = [\"" + origin + "\"]\n"));
  };
  for (const char* never : {"app.example.com", "https://app.example.com/", "https://a.example/app",
                            "https://App.example.com", "HTTPS://a.example", "https://a.example:443",
                            "http://a.example:80", "https://*.example.com", "https://u@a.example",
                            "https://a.example?", " https://a.example", "https://", ""})
    CHECK(of_origin(never) == texts{"unmatched_origin"});
  for (const char* fits : {"*", "null", "https://a.example", "http://localhost:3000",
                           "http://a.example:443", "https://[::1]:8080", "http://127.0.0.1",
                           "chrome-extension://abcdefghijklmnop"})
    CHECK(of_origin(fits).empty());
}

TEST_CASE("unsigned_config: signatures are asked for that nobody checks") {
  CHECK(has_code(of_daemon("signing.enabled = true\n"), "unsigned_config"));
  CHECK_FALSE(has_code(of_daemon("signing.enabled = false\n"), "unsigned_config"));
}

TEST_CASE("unbounded_rate_limit: a limit that limits nothing, or something else") {
  const auto of_rate = [](const std::string& rate) {
    return test::codes(of_daemon("rate_limit.global_requests_per_minute = " + rate + "\n"));
  };
  CHECK(of_rate("0") == texts{"unbounded_rate_limit"});
  CHECK(of_rate("-1") == texts{"unbounded_rate_limit"});
  CHECK(of_rate("10000001") == texts{"unbounded_rate_limit"});
  CHECK(of_rate("10000000").empty());
  const std::string source = "[source]\nname = \"a\"\napi_key = \"env:NEXUS_TEST_SOURCE_KEY\"\n" +
                             idempotent + "[source.rate_limit]\nrequests_per_minute = ";
  const auto found = of_source(source + "0\n");
  REQUIRE(test::codes(found) == texts{"unbounded_rate_limit"});
  CHECK(found[0].where.line == 7);
  CHECK(of_source(source + "5000\n").empty());
}

TEST_CASE("rate_above_global: a source's limit that is never reached") {
  const std::string global = quiet_daemon + "rate_limit.global_requests_per_minute = 100\n";
  const std::string source = "[source]\nname = \"a\"\napi_key = \"env:NEXUS_TEST_SOURCE_KEY\"\n" +
                             idempotent + "[source.rate_limit]\nrequests_per_minute = ";
  CHECK(test::codes(of_source(source + "101\n", global)) == texts{"rate_above_global"});
  CHECK(of_source(source + "100\n", global).empty());
}

TEST_CASE("unused_mac_key: a key for signatures that are not made") {
  const std::string key = "wal.integrity.mac_key_file = \"env:NEXUS_TEST_KEY\"\n";
  const auto found = of_daemon(key);
  REQUIRE(test::codes(found) == texts{"unused_mac_key"});
  CHECK(found[0].where.line == 3);
  CHECK(of_daemon(key + "wal.integrity.mode = \"mac\"\n").empty());
}

TEST_CASE("unused_idempotency: a window without idempotency") {
  const std::string source = "[source]\nname = \"a\"\napi_key = \"env:NEXUS_TEST_SOURCE_KEY\"\n" +
                             std::string("[source.idempotency]\ndedup_window_seconds = 0\n");
  CHECK(test::codes(of_source(source)) == texts{"missing_idempotency", "unused_idempotency"});
  CHECK(of_source(source + "enabled = true\n").empty());
}

TEST_CASE("content_not_mapped: content is required, and nothing leads to it") {
  const std::string source = "[source]\nname = \"a\"\napi_key = \"env:NEXUS_TEST_SOURCE_KEY\"\n" +
                             std::string("require_content = true\n") + idempotent;
  CHECK(test::codes(of_source(source + "[source.mapping]\nrole = \"r\"\n")) ==
        texts{"content_not_mapped"});
  CHECK(of_source(source + "[source.mapping]\ncontent = \"c\"\n").empty());
  CHECK(of_source(source + "[source.transform]\ncontent = [\"coalesce:none\"]\n").empty());
}

TEST_CASE("event_sink_no_retry: a sink that seems to do without retries") {
  const auto of_sink = [](const std::string& more) {
    return of_daemon(
        "[daemon.events]\nenabled = true\n[[daemon.events.sinks]]\nname = \"s\"\n"
        "url = \"http://127.0.0.1:9/\"\n" +
        more);
  };
  CHECK(has_code(of_sink("max_retries = 0\n"), "event_sink_no_retry"));
  CHECK_FALSE(has_code(of_sink("max_retries = 1\n"), "event_sink_no_retry"));
  CHECK_FALSE(has_code(of_sink(""), "event_sink_no_retry"));
}

TEST_CASE("audit_shared_hmac_key, audit_shared_encryption_key: one key for two logs") {
  const test::variable hex("NEXUS_TEST_HEX", "0123456789abcdef0123456789abcdef");
  const test::variable other("NEXUS_TEST_HEX_2", "f123456789abcdef0123456789abcdef");
  const std::string mac = "integrity = { mode = \"mac\", mac_key_file = \"env:NEXUS_TEST_HEX";
  const std::string encryption = "encryption = { enabled = true, key_file = \"env:NEXUS_TEST_HEX";
  const std::string wal = "wal." + mac + "\" }\nwal." + encryption + "\" }\naudit.enabled = true\n";
  const auto shared = of_daemon(wal + "audit." + mac + "\" }\naudit." + encryption + "\" }\n");
  CHECK(has_code(shared, "audit_shared_hmac_key"));
  CHECK(has_code(shared, "audit_shared_encryption_key"));
  const auto apart = of_daemon(wal + "audit." + mac + "_2\" }\naudit." + encryption + "_2\" }\n");
  CHECK_FALSE(has_code(apart, "audit_shared_hmac_key"));
  CHECK_FALSE(has_code(apart, "audit_shared_encryption_key"));
}

TEST_CASE("missing_keyfile: an audit log that is signed or encrypted without a key") {
  const auto count = [](const std::string& lines) {
    const auto found = test::codes(of_daemon("audit.enabled = true\n" + lines));
    return std::count(found.begin(), found.end(), "missing_keyfile");
  };
  CHECK(count("audit.integrity.mode = \"mac\"\n") == 1);
  CHECK(count("audit.encryption.enabled = true\n") == 1);
  CHECK(count("audit.integrity.mode = \"crc32\"\n") == 0);
  CHECK(count("wal.encryption.enabled = true\n") == 1);
  CHECK_FALSE(has_code(of_daemon("audit.integrity.mode = \"mac\"\n"), "missing_keyfile"));
}

TEST_CASE("missing_idempotency: a repeated request would be stored twice") {
  const std::string source = "[source]\nname = \"a\"\napi_key = \"env:NEXUS_TEST_SOURCE_KEY\"\n";
  const auto found = of_source(source);
  REQUIRE(test::codes(found) == texts{"missing_idempotency"});
  CHECK(found[0].level == config::severity::warning);
  CHECK(found[0].where.line == 1);
  CHECK(test::codes(of_source(source + "[source.idempotency]\nenabled = false\n")) ==
        texts{"missing_idempotency"});
  CHECK(of_source(source + idempotent).empty());
}

TEST_CASE("literal_key: keys in the files, except in mode simple") {
  const std::string source =
      "[source]\nname = \"a\"\napi_key = \"a literal that is long\"\n" + idempotent;
  const auto found = of_source(source);
  REQUIRE(test::codes(found) == texts{"literal_key"});
  CHECK(found[0].where.line == 3);
  CHECK(found[0].level == config::severity::warning);
  CHECK(of_source(source, quiet_daemon + "mode = \"Simple\"\n").empty());
  CHECK(
      test::codes(of_source(source, "[daemon]\nadmin_token = \"another literal, also long\"\n")) ==
      texts{"literal_key", "literal_key"});
  CHECK(test::codes(of_daemon(
            "wal.integrity = { mode = \"mac\", mac_key_file = \"0123456789abcdef\" }\n")) ==
        texts{"literal_key"});
}

TEST_CASE("literal_key: secrets of a destination as well") {
  const test::variable set("NEXUS_TEST_KEY", long_key);
  home files;
  files.daemon(quiet_daemon);
  const std::string web = "[destination]\nname = \"d\"\ntype = \"web\"\n";
  files.destination(web + "token = \"literal\"\n");
  CHECK(test::codes(files.lint()) == texts{"literal_key"});
  files.destination(web + "token = \"env:NEXUS_TEST_KEY\"\n");
  CHECK(files.lint().empty());

  files.types["web"].keys.push_back({.name = "headers", .kind = core::setting_kind::secret_table});
  files.destination(web +
                    "[destination.headers]\nX-A = \"env:NEXUS_TEST_KEY\"\n\"X.B\" = \"s3\"\n");
  CHECK(files.lines(files.lint()) ==
        texts{"destinations/d.toml:6:1: warning: destination.headers.X.B holds the key itself; "
              "env:NAME or file:/path keeps it out of this file [literal_key]"});
}

TEST_CASE("unsafe_proxy_cidr: trusting everybody") {
  const std::string headers = "trusted_proxies.forwarded_headers = [\"X-Forwarded-For\"]\n";
  const auto found =
      of_daemon("trusted_proxies.cidrs = [\"0.0.0.0/0\", \"10.0.0.0/8\", \"::/0\"]\n" + headers);
  CHECK(test::codes(found) == texts{"unsafe_proxy_cidr", "unsafe_proxy_cidr"});
  CHECK(of_daemon("trusted_proxies.cidrs = [\"10.0.0.0/8\"]\n" + headers).empty());
}

TEST_CASE("what the loader finds is part of the advice") {
  CHECK(has_code(of_daemon("prot = 1\n"), "unknown_key"));
  CHECK(has_code(of_daemon("wal.integrity.mode = \"mac\"\n"), "missing_keyfile"));
  CHECK(has_code(of_source("[source]\nname = \"a\"\napi_key = \"\"\n"), "empty_key"));
  CHECK(has_code(of_source("[source]\nname = \"a\"\napi_key = \"k\"\n"
                           "target_destination = \"gone\"\n"),
                 "unknown_destination"));
}

TEST_CASE("duplicate_key: the same reference twice, even if it leads to nothing yet") {
  const test::variable unset("NEXUS_TEST_KEY", nullptr);
  home files;
  const std::string rest = "\"\napi_key = \"env:NEXUS_TEST_KEY\"\n" + idempotent;
  files.write("sources/a.toml", "[source]\nname = \"a" + rest);
  files.write("sources/b.toml", "[source]\nname = \"b" + rest);
  const auto found = files.lint();
  CHECK(has_code(found, "duplicate_key"));
  CHECK(has_errors(found));
}

TEST_CASE("advice is given on what can be read, even if the configuration cannot start") {
  home files;
  files.daemon("[daemon]\nbind = \"0.0.0.0\"\n");
  const auto found = files.lint();
  CHECK(has_code(found, "empty_key"));
  CHECK(has_code(found, "dangerous_bind"));
}
