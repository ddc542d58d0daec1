#include "ingest/consistency.hpp"

#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "http/errors.hpp"

namespace nexus::ingest {
namespace {

namespace json = core::json;

core::error wrong(const std::string& key, const std::string& expected) {
  return {core::errc::invalid_argument, "\"" + key + "\" must be " + expected};
}

core::result<void> take_flag(bool& to, const std::string& key, std::string_view raw) {
  if (json::kind_of(raw) != json::kind::boolean) return wrong(key, "true or false");
  to = raw == "true";
  return {};
}

core::result<void> take_number(std::size_t& to, const std::string& key, std::string_view raw) {
  const auto done = std::from_chars(raw.data(), raw.data() + raw.size(), to);
  if (done.ec == std::errc() && done.ptr == raw.data() + raw.size() && to > 0 &&
      to <= consistency_sample_max)
    return {};
  return wrong(key, "a whole number from 1 to " + std::to_string(consistency_sample_max));
}

core::result<consistency_choice> choice_of(const http::request& request) {
  consistency_choice choice;
  if (request.body.empty()) return choice;
  bool has_sample = false;
  auto read =
      json::for_each_member(request.body, [&](const json::member& one) -> core::result<void> {
        const std::string key = json::unquote(one.key);
        if (key == "all") return take_flag(choice.all, key, one.value);
        if (key == "redeliver") return take_flag(choice.redeliver, key, one.value);
        if (key == "sample") {
          has_sample = true;
          return take_number(choice.sample, key, one.value);
        }
        if (key != "destination")
          return core::error{core::errc::invalid_argument,
                             "\"" + key +
                                 "\" is not known; known are all, destination, redeliver and "
                                 "sample"};
        if (json::kind_of(one.value) != json::kind::string) return wrong(key, "a string");
        choice.destination = json::unquote(one.value);
        return {};
      });
  if (!read) return std::move(read).reason();
  if (choice.all && has_sample)
    return core::error{core::errc::invalid_argument, "either \"sample\" or \"all\", not both"};
  return choice;
}

void append_json(std::string& out, const destination_consistency& one) {
  core::json_object object(out);
  object.number("found", one.found).number("looked_up", one.looked_up);
  std::string& ids = object.start("missing");
  ids += '[';
  for (const auto& id : one.missing) {
    if (ids.back() != '[') ids += ',';
    json::append_quoted(ids, id);
  }
  ids += ']';
  object.number("missing_total", one.looked_up - one.found).text("name", one.name);
  object.start("score") += fmt::format("{}", consistency_score(one.found, one.looked_up));
  object.text("skipped", one.skipped).end();
}

}  // namespace

double consistency_score(const consistency_report& of) {
  std::uint64_t found = 0, looked_up = 0;
  for (const auto& one : of.destinations) found += one.found, looked_up += one.looked_up;
  return consistency_score(found, looked_up);
}

void append_json(std::string& out, const consistency_report& report) {
  core::json_object object(out);
  std::string& list = object.start("destinations");
  list += '[';
  for (const auto& one : report.destinations) {
    if (list.back() != '[') list += ',';
    append_json(list, one);
  }
  list += ']';
  object.number("redelivered", report.redelivered);
  object.start("score") += fmt::format("{}", consistency_score(report));
  object.end();
}

void handle_consistency(const services_ptr& house, const http::request& request,
                        http::respond_fn respond) {
  auto choice = choice_of(request);
  if (!choice) return respond(http::error_response(400, "invalid_request", choice.reason().text));
  house->out.check_consistency(
      *std::move(choice),
      [house, respond = std::move(respond)](const core::result<consistency_report>& report) {
        if (!report) return respond(refuse(*house, "consistency check", report.reason()));
        http::response answer;
        append_json(answer.body, *report);
        answer.body += '\n';
        respond(std::move(answer));
      });
}

}  // namespace nexus::ingest
