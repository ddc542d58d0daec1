#include "destinations/postgres_fault.hpp"

#include "destinations/postgres.hpp"
#include "destinations/postgres_connection.hpp"
#include "destinations/postgres_schema.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using nexus::core::errc;

TEST_CASE("each class of SQLSTATE has its outcome") {
  for (const char* code : {"", "08006", "53100", "53300", "57P01", "57P02", "57P03", "58030"}) {
    CHECK(outcome_of_sqlstate(code) == outcome_kind::unreachable);
  }
  for (const char* code : {"40001", "40P01", "55P03", "57014", "XX000"}) {
    CHECK(outcome_of_sqlstate(code) == outcome_kind::transient);
  }
  for (const char* code : {"22021", "22003", "23505", "23514", "54000", "P0001", "44000"}) {
    CHECK(outcome_of_sqlstate(code) == outcome_kind::permanent);
  }
  for (const char* code : {"28P01", "28000", "3D000", "42P01", "42703", "42501", "25006", "3F000",
                           "0A000", "XX001", "HV000"}) {
    CHECK(outcome_of_sqlstate(code) == outcome_kind::config_fault);
  }
}

TEST_CASE("the code of a failed connection is that of the last server, in any language") {
  const std::string refused =
      "connection to server at \"a\" (10.0.0.1), port 1 failed: Connection refused\n"
      "\tIs the server running on that host and accepting TCP/IP connections?\n";
  const std::string password =
      "connection to server at \"b\", port 2 failed: FATAL:  28P01: password authentication failed"
      "\nLOCATION:  auth_failed, auth.c:326\n";
  const std::string starting =
      "connection to server on socket \"/s\" failed: SCHWERWIEGEND:  57P03: startet gerade\n"
      "ORT:  ProcessStartupPacket\n";
  CHECK(connect_sqlstate(refused).empty());
  CHECK(connect_sqlstate(password) == "28P01");
  CHECK(connect_sqlstate(starting) == "57P03");
  CHECK(connect_sqlstate(password + refused).empty());
  CHECK(connect_sqlstate(refused + password) == "28P01");
  CHECK(connect_sqlstate("").empty());
  CHECK(connect_reason(refused + password) ==
        "connection to server at \"a\" (10.0.0.1), port 1 failed: Connection refused, "
        "connection to server at \"b\", port 2 failed: FATAL:  28P01: password authentication"
        " failed");
}

TEST_CASE("a connection string is shown without its user and password") {
  const auto shown = [](const std::string& dsn) {
    const auto address = parse_address(dsn);
    return address ? address->shown : "refused";
  };
  CHECK(shown("postgresql://ann:s3cret@db.example:5433/notes") == "db.example:5433/notes");
  CHECK(shown("postgres://ann:a%40b%2Fc@db/notes?sslmode=require") == "db/notes");
  CHECK(shown("host=/run/pg dbname=notes password=s3cret") == "/run/pg notes");
  CHECK(shown("host=a,b port=1,2 password='s3 cret'") == "a,b:1,2");
  CHECK(shown("user=ann@tenant hostaddr=10.0.0.1") == "10.0.0.1");
  CHECK(shown("password=s3cret") == "the default host");
}

TEST_CASE("a connection string that libpq cannot read, or would tear, is refused unseen") {
  for (const std::string dsn :
       {"", "s3cret", "host=db s3cret", "postgresql://ann:s3cret@[::1/notes",
        "password=x nosuchkey=s3cret", "postgresql://ann:x@s3cret@db/notes",
        "postgresql://ann:x/s3cret@db/notes", "host=db port=s3cret"}) {
    INFO(dsn);
    postgres_options options;
    options.dsn = dsn;
    const auto made = make_postgres(options);
    REQUIRE_FALSE(made.ok());
    CHECK(made.reason().code == errc::bad_config);
    CHECK(made.reason().text.find("s3cret") == std::string::npos);
    CHECK(made.reason().text.find("dsn") != std::string::npos);
  }
}

TEST_CASE("a table is a checked name with an optional schema, and is quoted") {
  const auto quoted = [](const std::string& text) {
    const auto name = parse_table_name(text);
    return name ? name->quoted() : "refused";
  };
  CHECK(quoted("memories") == "\"memories\"");
  CHECK(quoted("_Notes2") == "\"_Notes2\"");
  CHECK(quoted("ours.memories") == "\"ours\".\"memories\"");
  CHECK(quoted(std::string(63, 'a')) == "\"" + std::string(63, 'a') + "\"");
  for (const std::string wrong :
       {"", ".", "a.", ".b", "a.b.c", "2b", "a b", "a\"b", "a;b", "a-b"}) {
    INFO(wrong);
    CHECK(quoted(wrong) == "refused");
  }
  CHECK(quoted(std::string(64, 'a')) == "refused");
}

TEST_CASE("the type checks its settings, and makes what they say") {
  const type_info type = postgres_type();
  CHECK(type.in_order);
  CHECK(type.workers_default == 4);
  nexus::core::setting_values values{{"dsn", "host=nowhere.invalid"},
                                     {"table", "memories"},
                                     {"create_table", "true"},
                                     {"vector_dimensions", "3"}};
  CHECK(type.schema.check(values).empty());
  CHECK(type.make({"d", "postgres", values}).ok());  // it need not be there
  values["dsn"] = "postgresql://u:p@ss@h/d";
  values["table"] = "no table";
  const auto problems = type.schema.check(values);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].name == "dsn");
  CHECK(problems[0].message.find("ss@h") == std::string::npos);
  CHECK(problems[1].name == "table");
  const auto made = type.make({"notes", "postgres", values});
  REQUIRE_FALSE(made.ok());
  CHECK(made.reason().text.find("notes") != std::string::npos);
}
