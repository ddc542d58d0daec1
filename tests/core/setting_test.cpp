#include "core/setting.hpp"

#include "tests/support/catch.hpp"

using namespace nexus::core;

namespace {

setting_schema every_kind() {
  setting_schema schema;
  schema.keys = {
      {.name = "path", .kind = setting_kind::path, .required = true},
      {.name = "line", .fallback = "short", .choices = {"short", "long"}},
      {.name = "port", .kind = setting_kind::integer, .least = 1, .most = 65535},
      {.name = "sync", .kind = setting_kind::boolean},
      {.name = "headers", .kind = setting_kind::table},
  };
  return schema;
}

std::vector<std::string> messages(const setting_schema& schema, const setting_values& values) {
  std::vector<std::string> all;
  for (const auto& problem : check_settings(schema, values)) {
    CHECK(problem.message.find(problem.name) != std::string::npos);
    all.push_back(problem.message);
  }
  return all;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("values that keep to their schema have no problem") {
  CHECK(messages(every_kind(), {{"path", "/x"}}).empty());
  CHECK(messages(every_kind(), {{"path", "/x"},
                                {"line", "long"},
                                {"port", "65535"},
                                {"sync", "false"},
                                {"headers.X-Team", "a"}})
            .empty());
}

TEST_CASE("each value that breaks its schema is a problem of its own, in the order of the keys") {
  CHECK(messages(every_kind(), {{"line", "medium"},
                                {"port", "0"},
                                {"sync", "yes"},
                                {"headers", "a"},
                                {"color", "red"},
                                {"headers.", "a"}}) ==
        texts{"path is missing", R"(line must be one of "short", "long")",
              "port must be from 1 to 65535", "sync must be true or false", "headers is a table",
              "there is no key color", "there is no key headers."});
  CHECK(messages(every_kind(), {{"path", ""}}) == texts{"path is empty"});
}

TEST_CASE("an integer is digits only, and in its range") {
  const auto fault = [](const std::string& port) {
    return messages(every_kind(), {{"path", "/x"}, {"port", port}});
  };
  CHECK(fault("1").empty());
  for (const char* none : {"", "1x", " 1", "0x10", "1.0"}) {
    CHECK(fault(none) == texts{"port is no integer"});
  }
  for (const char* outside : {"65536", "-1", "99999999999999999999"}) {
    CHECK(fault(outside) == texts{"port must be from 1 to 65535"});
  }
}

TEST_CASE("a required table is there as soon as it has a member") {
  setting_schema schema;
  schema.keys = {{.name = "headers", .kind = setting_kind::secret_table, .required = true}};
  CHECK(messages(schema, {}) == texts{"headers is missing"});
  CHECK(messages(schema, {{"headersX", "a"}}) ==
        texts{"headers is missing", "there is no key headersX"});
  CHECK(messages(schema, {{"headers.a", ""}}).empty());
}

TEST_CASE("the schema's own check is asked only where each value for itself is right") {
  setting_schema schema = every_kind();
  schema.check = [](const setting_values& values) {
    return std::vector<setting_problem>{{"path", "path " + values.at("path") + " is taken"}};
  };
  CHECK(messages(schema, {}) == texts{"path is missing"});
  CHECK(messages(schema, {{"path", "/x"}}) == texts{"path /x is taken"});
}

TEST_CASE("fallbacks go where a value is absent, not where it is empty") {
  setting_values values{{"port", "7"}};
  fill_fallbacks(every_kind(), values);
  CHECK(values == setting_values{{"line", "short"}, {"port", "7"}});
  values = {{"line", ""}};
  fill_fallbacks(every_kind(), values);
  CHECK(values == setting_values{{"line", ""}});
}
