// Advice: one case that gets it and one that does not, for each code.
#include "tests/config/home.hpp"

using namespace nexus;
using test::has_code;
using test::home;
using test::texts;

namespace {

const std::string quiet_daemon = "[daemon]\nadmin_token = \"env:NEXUS_TEST_KEY\"\n";
const std::string idempotent = "[source.idempotency]\nenabled = true\n";

std::vector<config::finding> of_daemon(const std::string& lines) {
  const test::variable set("NEXUS_TEST_KEY", "x");
  home files;
  files.daemon(quiet_daemon + lines);
  return files.lint();
}

std::vector<config::finding> of_source(const std::string& text,
                                       const std::string& daemon = quiet_daemon) {
  const test::variable set("NEXUS_TEST_KEY", "x");
  const test::variable other("NEXUS_TEST_SOURCE_KEY", "y");
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
  files.daemon("[daemon]\nadmin_token = \"t\"\nmode = \"simple\"\nbind = \"0.0.0.0\"\n");
  CHECK(files.lines(files.lint()) ==
        texts{"daemon.toml:4:1: warning: daemon.bind = \"0.0.0.0\" listens on every network, "
              "without TLS; use 127.0.0.1 and a proxy that does TLS [dangerous_bind]"});
  CHECK(has_code(of_daemon("bind = \"::\"\n"), "dangerous_bind"));
  CHECK_FALSE(has_code(of_daemon("bind = \"\"\n"), "dangerous_bind"));
  CHECK_FALSE(has_code(of_daemon("bind = \"10.0.0.1\"\n"), "dangerous_bind"));
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
  const std::string source = "[source]\nname = \"a\"\napi_key = \"literal\"\n" + idempotent;
  const auto found = of_source(source);
  REQUIRE(test::codes(found) == texts{"literal_key"});
  CHECK(found[0].where.line == 3);
  CHECK(found[0].level == config::severity::warning);
  CHECK(of_source(source, quiet_daemon + "mode = \"Simple\"\n").empty());
  CHECK(test::codes(of_source(source, "[daemon]\nadmin_token = \"literal\"\n")) ==
        texts{"literal_key", "literal_key"});
  CHECK(test::codes(of_daemon("wal.integrity = { mode = \"mac\", mac_key_file = \"k\" }\n")) ==
        texts{"literal_key"});
}

TEST_CASE("literal_key: secrets of a destination as well") {
  const test::variable set("NEXUS_TEST_KEY", "x");
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
  const auto found =
      of_daemon("trusted_proxies.cidrs = [\"0.0.0.0/0\", \"10.0.0.0/8\", \"::/0\"]\n");
  CHECK(test::codes(found) == texts{"unsafe_proxy_cidr", "unsafe_proxy_cidr"});
  CHECK(of_daemon("trusted_proxies.cidrs = [\"10.0.0.0/8\"]\n").empty());
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
