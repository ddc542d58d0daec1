#include "ingest/dead_letters.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "http/errors.hpp"
#include "ingest/url.hpp"

namespace nexus::ingest {
namespace {

namespace json = core::json;

std::size_t parse_limit(const std::string& text) {
  constexpr std::size_t standard = 100;
  constexpr std::size_t most = 1000;
  std::size_t limit = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), limit);
  const bool is_number = done.ec == std::errc() && done.ptr == text.data() + text.size();
  return is_number && limit > 0 ? std::min(limit, most) : standard;
}

/// `limit` and the filters of a query string.
dead_letter_choice choice_of(const http::request& request) {
  auto parameters = query_parameters(request.query);
  dead_letter_choice choice;
  choice.source = std::move(parameters["source"]);
  choice.destination = std::move(parameters["destination"]);
  choice.limit = parse_limit(parameters["limit"]);
  return choice;
}

/// What a body asks for, or what is wrong with it.
class body_reader {
 public:
  std::optional<http::response> read(const http::request& request) {
    if (request.body_truncated)
      return http::error_response(413, "payload_too_large",
                                  "the body is larger than " +
                                      std::to_string(dead_letter_body_bytes_max) +
                                      " bytes: name fewer payload ids");
    const auto read =
        json::for_each_member(request.body, [this](const json::member& one) { return take(one); });
    if (!read) return http::error_response(400, "invalid_request", read.reason().text);
    if (all_ == choice.payload_ids.empty()) return std::nullopt;
    return http::error_response(
        400, "invalid_request",
        "the body must hold either \"payload_ids\", not empty, or \"all\":true");
  }

  dead_letter_choice choice;

 private:
  core::result<void> take(const json::member& one) {
    const std::string key = json::unquote(one.key);
    if (key == "source") return take_text(choice.source, key, one.value);
    if (key == "destination") return take_text(choice.destination, key, one.value);
    if (key == "all") {
      if (json::kind_of(one.value) != json::kind::boolean) return wrong(key, "true or false");
      all_ = one.value == "true";
      return {};
    }
    if (key == "payload_ids") return take_ids(one.value);
    return core::error{core::errc::invalid_argument,
                       "\"" + key +
                           "\" is not known; known are all, destination, payload_ids and "
                           "source"};
  }

  core::result<void> take_ids(std::string_view raw) {
    if (json::kind_of(raw) != json::kind::array) return wrong("payload_ids", "an array");
    json::members ids(raw);
    while (const auto* id = ids.next()) {
      auto taken = take_text(choice.payload_ids.emplace_back(), "payload_ids", id->value);
      if (!taken) return taken;
    }
    return {};
  }

  /// Empty is refused: it would not narrow anything.
  static core::result<void> take_text(std::string& to, const std::string& key,
                                      std::string_view raw) {
    to = json::kind_of(raw) == json::kind::string ? json::unquote(raw) : "";
    if (to.empty()) return wrong(key, "made of strings that are not empty");
    return {};
  }

  static core::error wrong(const std::string& key, const std::string& expected) {
    return {core::errc::invalid_argument, "\"" + key + "\" must be " + expected};
  }

  bool all_ = false;
};

}  // namespace

void append_json(std::string& out, const dead_letter& letter, bool whole) {
  const auto& entry = letter.entry;
  core::json_object object(out);
  if (whole) object.text("actor_id", entry.actor_id).text("actor_type", entry.actor_type);
  object.text("destination", entry.destination).text("failed_at", letter.failed_at);
  if (whole) {
    object.text("idempotency_key", entry.idempotency_key);
    object.start("payload") += entry.payload.empty() ? "null" : entry.payload;
  }
  object.text("payload_id", entry.payload_id)
      .text("reason", letter.reason)
      .text("source", entry.source);
  if (whole) object.text("subject", entry.subject).text("timestamp", entry.timestamp);
  object.end();
}

void handle_dead_letters(const services_ptr& house, const http::request& request,
                         http::respond_fn respond) {
  house->out.dead_letters(choice_of(request), [house, respond = std::move(respond)](
                                                  const core::result<dead_letter_page>& page) {
    if (!page) return respond(refuse(*house, "dead letters", page.reason()));
    http::response answer;
    core::json_object body(answer.body);
    std::string& list = body.start("dead_letters");
    list += '[';
    for (const auto& one : page->letters) {
      if (list.back() != '[') list += ',';
      append_json(list, one, false);
    }
    list += ']';
    body.number("total", page->total).end();
    answer.body += '\n';
    respond(std::move(answer));
  });
}

void handle_dead_letter(const services_ptr& house, const std::string& payload_id,
                        const http::request& request, http::respond_fn respond) {
  auto choice = choice_of(request);
  choice.payload_ids = {payload_id};
  choice.limit = 1;
  choice.with_payloads = true;
  house->out.dead_letters(std::move(choice), [house, respond = std::move(respond)](
                                                 const core::result<dead_letter_page>& page) {
    if (!page) return respond(refuse(*house, "dead letters", page.reason()));
    if (page->letters.empty())
      return respond(
          http::error_response(404, "dead_letter_not_found", "no dead letter has this payload id"));
    http::response answer;
    append_json(answer.body, page->letters.front(), true);
    answer.body += '\n';
    respond(std::move(answer));
  });
}

void handle_dead_letter_action(const services_ptr& house, dead_letter_action action,
                               const http::request& request, http::respond_fn respond) {
  body_reader body;
  if (auto wrong = body.read(request)) return respond(std::move(*wrong));
  const bool sends = action == dead_letter_action::redrive;
  auto done = [house, sends,
               respond = std::move(respond)](const core::result<std::uint64_t>& count) {
    if (!count) return respond(refuse(*house, "dead letters", count.reason()));
    house->log->info(std::to_string(*count) +
                     (sends ? " dead letters are sent once more" : " dead letters were given up"));
    http::response answer;
    core::json_object(answer.body).number("count", *count).end();
    answer.body += '\n';
    respond(std::move(answer));
  };
  const auto& act = sends ? house->out.redrive : house->out.purge;
  act(std::move(body.choice), std::move(done));
}

}  // namespace nexus::ingest
