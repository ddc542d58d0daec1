// The description of the API, the page about it, and the code must say the same.
#include "ingest/openapi.hpp"

#include <rapidjson/document.h>
#include <rapidjson/pointer.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "ingest/ports.hpp"
#include "ingest/routes.hpp"
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using ingest::access_level;
using rapidjson::Value;
using test::fake_house;
using test::read_file;

namespace {

const std::string page_path = NEXUS_SOURCES "/docs/api.md";

const rapidjson::Document& description() {
  static const rapidjson::Document document = [] {
    rapidjson::Document read;
    read.Parse(ingest::openapi_document.data(), ingest::openapi_document.size());
    REQUIRE_FALSE(read.HasParseError());
    return read;
  }();
  return document;
}

std::string text_of(const Value& value) {
  REQUIRE(value.IsString());
  return {value.GetString(), value.GetStringLength()};
}

/// What a reference leads to, or the value itself.
const Value& resolve(const Value& value) {
  if (!value.IsObject() || !value.HasMember("$ref")) return value;
  const auto name = text_of(value["$ref"]);
  INFO(name);
  const auto* target = rapidjson::Pointer(name.data(), name.size()).Get(description());
  REQUIRE(target != nullptr);
  return *target;
}

using operation_name = std::pair<std::string, std::string>;  // method, path

std::map<operation_name, const Value*> operations() {
  std::map<operation_name, const Value*> all;
  for (const auto& path : description()["paths"].GetObject())
    for (const auto& method : path.value.GetObject()) {
      auto name = text_of(method.name);
      std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c - 'a' + 'A'; });
      all.emplace(operation_name(name, text_of(path.name)), &method.value);
    }
  return all;
}

/// Every value below, and including, this one.
void walk(const Value& value, const std::function<void(const Value&)>& visit) {
  visit(value);
  if (value.IsArray())
    for (const auto& one : value.GetArray()) walk(one, visit);
  if (value.IsObject())
    for (const auto& one : value.GetObject()) walk(one.value, visit);
}

/// The statuses that each code has: of the page's table, or of the code.
using code_statuses = std::map<std::string, std::set<std::string>>;

code_statuses codes_of_page() {
  code_statuses out;
  std::istringstream lines(read_file(page_path));
  const std::regex row(R"(\| `([a-z_]+)` \| ((?:\d{3}(?:, )?)+) \|.*)");
  std::smatch found;
  for (std::string line; std::getline(lines, line);) {
    if (!std::regex_match(line, found, row)) continue;
    INFO(line);
    CHECK_FALSE(out.contains(found[1]));
    const std::string list = found[2];
    const std::regex status("[0-9]+");
    for (std::sregex_iterator at(list.begin(), list.end(), status), end; at != end; ++at)
      out[found[1]].insert(at->str());
  }
  return out;
}

void add_matches(code_statuses& out, const std::string& text, const std::string& pattern,
                 const std::string& status = "") {
  const std::regex all(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), all), end; at != end; ++at)
    status.empty() ? out[(*at)[2]].insert((*at)[1]) : out[(*at)[1]].insert(status);
}

/// What ingest/ and http/ can answer. `elsewhere`: the files that answer with a code that stands in
/// another place, once for each such answer.
code_statuses codes_of_code(std::multiset<std::string>& elsewhere) {
  code_statuses out;
  for (const std::string folder : {"/ingest", "/http"})
    for (const auto& file : std::filesystem::directory_iterator(NEXUS_SOURCES + folder)) {
      if (file.path().extension() != ".cpp") continue;
      const auto text = read_file(file.path());
      const auto name = file.path().filename().string();
      add_matches(out, text, R"re(error_response\(\s*(\d{3}),\s*"([a-z_]+)")re");
      add_matches(out, text, R"re((?:refuse\(\{?|return \{)(\d{3}),\s*"([a-z_]+)")re");
      add_matches(out, text, R"re(denial\{\s*"([a-z_]+)")re", "403");
      add_matches(out, text, R"re(text\("error", "([a-z_]+)"\))re", "422");
      if (name == "authenticate.cpp")
        add_matches(out, text, R"re(\{"[a-z_]+", "([a-z_]+)",\s*(?:"|need_token))re", "401");
      const std::regex other(R"re([^e ] *\b(?:http::)?error_response\((?!\s*\d{3},\s*"))re");
      for (std::sregex_iterator at(text.begin(), text.end(), other), end; at != end; ++at)
        elsewhere.insert(name);
    }
  return out;
}

/// Members that a schema requires are there, and there are no others than it knows.
void check_shape(const Value& value, const Value& with) {
  const Value& schema = resolve(with);
  if (schema.HasMember("items") && value.IsArray())
    for (const auto& one : value.GetArray()) check_shape(one, schema["items"]);
  if (schema.HasMember("enum")) {
    const auto words = schema["enum"].GetArray();
    CHECK(std::find(words.begin(), words.end(), value) != words.end());
  }
  if (!schema.HasMember("properties")) return;
  REQUIRE(value.IsObject());
  if (schema.HasMember("required"))
    for (const auto& name : schema["required"].GetArray()) {
      INFO(text_of(name));
      CHECK(value.HasMember(name));
    }
  for (const auto& member : value.GetObject()) {
    INFO(text_of(member.name));
    CHECK(schema["properties"].HasMember(member.name));
    if (schema["properties"].HasMember(member.name))
      check_shape(member.value, schema["properties"][member.name]);
  }
}

void check_answer(const test::reply& answer, const std::string& method, const std::string& path) {
  INFO(method << " " << path << ": " << answer.status() << " " << answer.body());
  const auto all = operations();
  const Value& responses = (*all.at({method, path}))["responses"];
  const auto status = std::to_string(answer.status());
  REQUIRE(responses.HasMember(status.c_str()));
  rapidjson::Document body;
  body.Parse(answer.body().data(), answer.body().size());
  REQUIRE_FALSE(body.HasParseError());
  const Value& content = resolve(responses[status.c_str()])["content"];
  check_shape(body, content["application/json"]["schema"]);
}

}  // namespace

TEST_CASE("everybody gets the description of the API") {
  fake_house house;
  const auto answer = house.get("/openapi.json", "");
  CHECK(answer->status() == 200);
  CHECK(answer->sent->content_type == "application/json");
  CHECK(answer->body() == read_file(NEXUS_SOURCES "/ingest/openapi.json"));
  CHECK(text_of(description()["openapi"]) == "3.1.0");
  CHECK(text_of(description()["info"]["version"]) == NEXUS_VERSION);
}

TEST_CASE("the description names the routes that there are, and no others") {
  std::set<operation_name> routes, described;
  for (const auto& route : ingest::all_routes())
    routes.emplace(std::string(route.method), std::string(route.path));
  for (const auto& [name, operation] : operations()) described.insert(name);
  CHECK(described == routes);
}

TEST_CASE("the page on the API has a section for every route") {
  const auto page = read_file(page_path);
  for (const auto& route : ingest::all_routes()) {
    const auto heading =
        "\n### " + std::string(route.method) + " " + std::string(route.path) + "\n";
    INFO(heading);
    CHECK(page.find(heading) != std::string::npos);
  }
}

TEST_CASE("each operation has a name of its own, a summary, and the tokens of its route") {
  const auto all = operations();
  std::set<std::string> names;
  for (const auto& route : ingest::all_routes()) {
    INFO(route.method << " " << route.path);
    const auto found = all.find({std::string(route.method), std::string(route.path)});
    REQUIRE(found != all.end());
    const Value& operation = *found->second;
    CHECK(names.insert(text_of(operation["operationId"])).second);
    CHECK_FALSE(text_of(operation["summary"]).empty());
    std::set<std::string> tokens;
    for (const auto& one : operation["security"].GetArray())
      tokens.insert(text_of(one.MemberBegin()->name));
    std::set<std::string> needed;
    if (route.needs == access_level::admin) needed = {"admin"};
    if (route.needs == access_level::data) needed = {"source"};
    if (route.needs == access_level::data && route.method == "GET") needed.insert("admin");
    CHECK(tokens == needed);
    for (const auto& token : tokens)
      CHECK(description()["components"]["securitySchemes"].HasMember(token.c_str()));
  }
}

TEST_CASE("each operation has the parameter of its path, and says how it can be refused") {
  const auto all = operations();
  for (const auto& route : ingest::all_routes()) {
    INFO(route.method << " " << route.path);
    const Value& operation = *all.at({std::string(route.method), std::string(route.path)});
    std::set<std::string> expected{"default"}, parameters, named;
    if (operation.HasMember("parameters"))
      for (const auto& one : operation["parameters"].GetArray())
        if (text_of(resolve(one)["in"]) == "path") parameters.insert(text_of(resolve(one)["name"]));
    if (const auto brace = route.path.find('{'); brace != route.path.npos) {
      named.insert(std::string(route.path.substr(brace + 1, route.path.find('}') - brace - 1)));
      expected.insert("400");
    }
    CHECK(parameters == named);
    const bool is_open = route.needs == access_level::open;
    const bool writes = route.needs == access_level::data && route.method == "POST";
    if (!is_open) expected.insert("401");
    if (route.needs == access_level::data) expected.insert({"403", "429", "503"});
    if (writes) expected.insert({"200", "400", "413", "415", "422"});
    for (const auto& status : expected) {
      INFO(status);
      CHECK(operation["responses"].HasMember(status.c_str()));
    }
    if (is_open) CHECK_FALSE(operation["responses"].HasMember("401"));
  }
}

TEST_CASE("every reference in the description leads somewhere, and every part of it is used") {
  std::set<std::string> used;
  walk(description(), [&used](const Value& value) {
    if (!value.IsObject() || !value.HasMember("$ref")) return;
    used.insert(text_of(value["$ref"]));
    resolve(value);
  });
  for (const char* kind : {"schemas", "responses", "parameters", "headers", "examples"})
    for (const auto& one : description()["components"][kind].GetObject()) {
      const auto name = "#/components/" + std::string(kind) + "/" + text_of(one.name);
      INFO(name);
      CHECK(used.contains(name));
    }
}

TEST_CASE("the codes of errors are the same in the code, the description and the page") {
  std::multiset<std::string> elsewhere;
  auto answered = codes_of_code(elsewhere);
  answered["internal_error"].insert("503");  // over /v1/logs, see as_otlp_answer
  CHECK(codes_of_page() == answered);
  std::set<std::string> described, known;
  for (const auto& code : description()["components"]["schemas"]["ErrorCode"]["enum"].GetArray())
    described.insert(text_of(code));
  for (const auto& [code, statuses] : answered) known.insert(code);
  CHECK(described == known);
  // Their codes stand where authenticate.cpp, policy.cpp, session.cpp and server.cpp have them.
  CHECK(elsewhere == std::multiset<std::string>{"access.cpp", "access.cpp", "session_answer.cpp"});
}

TEST_CASE("the examples of refusals have codes that belong to their status, and the envelope") {
  auto page = codes_of_page();
  std::set<std::string> shown;
  for (const auto& [name, operation] : operations())
    for (const auto& one : (*operation)["responses"].GetObject()) {
      const auto status = text_of(one.name);
      if (status < "400") continue;
      INFO(name.first << " " << name.second << " " << status);
      const Value& media = resolve(one.value)["content"]["application/json"];
      for (const auto& example : media["examples"].GetObject()) {
        const auto code = text_of(example.name);
        const Value& body = resolve(example.value)["value"];
        INFO(code);
        CHECK(text_of(body["error"]) == code);
        CHECK((status == "default" || page[code].contains(status)));
        check_shape(body, media["schema"]);
        const bool waits = body.HasMember("retry_after_seconds");
        if (waits) CHECK(resolve(one.value)["headers"].HasMember("Retry-After"));
        shown.insert(code);
      }
    }
  for (const auto& [code, statuses] : page) {
    INFO(code);
    CHECK(shown.contains(code));
  }
}

TEST_CASE("what the door answers has the members that the description gives it") {
  fake_house house;
  house.switched->state = "running";
  house.switched->breaker = "closed";
  house.state.destinations.push_back(*house.switched);
  house.state.unclaimed.emplace_back("gone", 3);
  house.dead_letters = ingest::dead_letter_page{{{core::entry(), "full", "2026-01-01"}}, 1};
  for (const std::string path : {"/health", "/ready"})
    check_answer(*house.get(path, ""), "GET", path);
  for (const std::string path :
       {"/api/status", "/api/config", "/api/policies", "/api/lint", "/api/destinations", "/api/dlq",
        "/api/security/events", "/api/security/summary", "/api/audit/log", "/api/audit/stats"})
    check_answer(*house.get(path, "admin"), "GET", path);
  check_answer(*house.get("/api/dlq/p1", "admin"), "GET", "/api/dlq/{id}");
  check_answer(*house.get("/query/sqlite", "default"), "GET", "/query/{destination}");
  check_answer(*house.get("/query/sqlite", ""), "GET", "/query/{destination}");
  check_answer(*house.post("{}"), "POST", "/inbound/{source}");
  check_answer(*house.post("{"), "POST", "/inbound/{source}");
  const auto post = [&house](const std::string& path, const std::string& who,
                             const std::string& body) {
    return house.send(
        fake_house::make_request("POST", path, {{"Authorization", "Bearer key-of-" + who}}, body));
  };
  check_answer(*post("/inbound/default/batch", "default", "{}\n{\n"), "POST",
               "/inbound/{source}/batch");
  check_answer(*post("/v1/memories", "default", R"({"messages":[{"content":"a"}]})"), "POST",
               "/v1/memories");
  check_answer(*post("/v1/logs", "default", "{"), "POST", "/v1/logs");
  check_answer(*post("/api/reload", "admin", ""), "POST", "/api/reload");
  check_answer(*post("/api/consistency", "admin", ""), "POST", "/api/consistency");
  check_answer(*post("/api/destinations/sqlite/pause", "admin", ""), "POST",
               "/api/destinations/{name}/pause");
  check_answer(*post("/api/dlq/purge", "admin", R"({"all":true})"), "POST", "/api/dlq/purge");
  check_answer(*post("/api/shutdown", "admin", ""), "POST", "/api/shutdown");
}

TEST_CASE("what is answered after a delivery is what the description says") {
  fake_house house;
  house.source().ack = config::ack_level::delivered;
  house.append_later = true;
  const auto reached = GENERATE(core::delivery_state::delivered, core::delivery_state::pending);
  const auto send = [&house](const std::string& path, const std::string& body) {
    return house.send(
        fake_house::make_request("POST", path, {{"Authorization", "Bearer key-of-default"}}, body));
  };
  const auto one = house.post("{}");
  house.appends.back().done({});
  house.appends.back().wanted.value().done({{"sqlite", reached}});
  check_answer(*one, "POST", "/inbound/{source}");
  const auto confirm = [&house, reached] {
    house.batches.back().done({{}});
    house.batches.back().wanted.at(0).done({{"sqlite", reached}});
  };
  const auto batch = send("/inbound/default/batch", "{}");
  confirm();
  check_answer(*batch, "POST", "/inbound/{source}/batch");
  const auto messages = send("/v1/memories", R"({"messages":[{"content":"a"}]})");
  confirm();
  check_answer(*messages, "POST", "/v1/memories");
}

TEST_CASE("the description and the page know the largest sample of a consistency check") {
  const Value& sample =
      description()["components"]["schemas"]["ConsistencyRequest"]["properties"]["sample"];
  CHECK(sample["maximum"].GetUint64() == ingest::consistency_sample_max);
  auto most = std::to_string(ingest::consistency_sample_max);
  most.insert(most.size() - 3, ",");
  CHECK(read_file(page_path).find("drawn at random: 1 to " + most + ",") != std::string::npos);
}
