// `nexus dlq`: the entries that have failed for good.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/home.hpp"
#include "cli/http_client.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "cli/wire.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "ingest/dead_letters.hpp"
#include "wal/inspect.hpp"
#include "wal/log.hpp"

namespace nexus::cli {
namespace {

namespace json = core::json;
using core::json_object;

wal::dead_letter_filter filter_of(const dlq_options& how) {
  return {how.payload_ids, how.source, how.destination};
}

/// Redriving and purging, side by side.
struct action {
  const char* command;    ///< after `nexus dlq`
  const char* here;       ///< what happened to the letters, in the log itself
  const char* by_server;  ///< by the server
  core::result<std::uint64_t> (wal::log::*act)(const wal::dead_letter_filter&);
};

constexpr action redriving{"redrive", "pending again, for delivery after the next start",
                           "pending again, for the running server to deliver", &wal::log::redrive};
constexpr action purging{"purge", "given up for good", "given up for good", &wal::log::purge};

std::string request_body(const dlq_options& how) {
  std::string out;
  json_object object(out);
  if (how.payload_ids.empty()) object.boolean("all", true);
  if (!how.payload_ids.empty()) {
    std::string& ids = object.start("payload_ids");
    ids += '[';
    for (const auto& id : how.payload_ids) {
      if (ids.back() != '[') ids += ',';
      json::append_quoted(ids, id);
    }
    ids += ']';
  }
  if (!how.source.empty()) object.text("source", how.source);
  if (!how.destination.empty()) object.text("destination", how.destination);
  object.end();
  return out;
}

/// The number in {"count":N}.
std::optional<std::uint64_t> count_in(const std::string& body) {
  std::optional<std::uint64_t> count;
  const auto read = json::for_each_member(body, [&](const json::member& one) {
    if (one.key == "\"count\"") count = std::stoull(std::string(one.value));
    return core::result<void>();
  });
  return read ? count : std::nullopt;
}

/// How a refusal of the server reads.
std::string refusal_text(const http_answer& answer) {
  if (answer.status == 401)
    return "the server does not accept the admin token of this configuration; it was changed since "
           "the start";
  return "the server answered " + std::to_string(answer.status) + ": " + printable(answer.body);
}

core::result<std::uint64_t> ask_server(const running_server& server, const log_place& place,
                                       const action& what, const dlq_options& how) {
  // The server says nothing until all of it is done.
  constexpr std::chrono::seconds patience{3600};
  const auto client = connect(server, place.access.tls, patience);
  if (!client) return client.reason();
  const auto answer = (*client)->send({"POST",
                                       std::string("/api/dlq/") + what.command,
                                       std::string(place.access.admin_token.reveal()),
                                       {{"Content-Type", "application/json"}},
                                       request_body(how)});
  if (!answer) return answer.reason();
  const auto count = answer->status == 200 ? count_in(answer->body) : std::nullopt;
  if (!count) return core::error{core::errc::unreachable, refusal_text(*answer)};
  return *count;
}

int fail_unknown(const std::string& payload_id) {
  return fail("no dead letter has the payload id " + printable(payload_id) +
              "; `nexus dlq list` shows which there are");
}

int report(std::uint64_t count, const char* what, const dlq_options& how) {
  const std::set<std::string> ids(how.payload_ids.begin(), how.payload_ids.end());
  if (how.json) print("{\"count\":" + std::to_string(count) + "}\n");
  if (!how.json) print(count_text(count, "dead letter is ", "dead letters are ") + what + "\n");
  if (count >= ids.size()) return 0;
  if (ids.size() == 1) return fail_unknown(*ids.begin());
  return fail(
      fmt::format("{} of the {} payload ids {} no dead letter that fits; `nexus dlq list` "
                  "shows which there are",
                  ids.size() - count, ids.size(), ids.size() - count == 1 ? "is" : "are"));
}

/// The lock says who has the log: nobody, then it is changed here, or the home's server.
int act(const action& what, const dlq_options& how, const log_place& place) {
  auto log = wal::log::open(place.how);
  if (log) {
    const auto count = ((**log).*what.act)(filter_of(how));
    const auto closed = (*log)->close();
    if (!count) return fail(count.reason());
    if (!closed) return fail(closed.reason());
    return report(*count, what.here, how);
  }
  const bool is_locked = log.reason().code == core::errc::locked;
  const auto server = is_locked && !place.home.empty() ? find_running(place.home) : std::nullopt;
  if (!server) return fail_to_open(place, log.reason(), std::string("dlq ") + what.command);
  const auto count = ask_server(*server, place, what, how);
  if (!count) return fail(count.reason());
  return report(*count, what.by_server, how);
}

/// Whether it is clear which dead letters are meant.
bool names_some(const dlq_options& how) {
  return how.all || !how.payload_ids.empty() || !how.source.empty() || !how.destination.empty();
}

int fail_unnamed(const action& what) {
  return fail(std::string("which dead letters? `nexus dlq ") + what.command +
              "` needs payload ids, --source, --destination, or --all");
}

/// Asks whoever sits at the terminal.
core::result<bool> confirmed(const dlq_options& how, const log_place& place) {
  std::uint64_t count = 0;
  const auto read = wal::read_dead_letters(place.how, filter_of(how),
                                           [&](wal::dead_letter&&) -> core::result<void> {
                                             ++count;
                                             return {};
                                           });
  if (!read) return read.reason();
  std::fprintf(stderr, "Give up %s for good? They can't be delivered afterwards. [y/N] ",
               count_text(count, "dead letter", "dead letters").c_str());
  std::string word;
  std::getline(std::cin, word);
  return word == "y" || word == "Y" || word == "yes";
}

std::string letter_text(const ingest::dead_letter& one) {
  const auto& entry = one.entry;
  const std::pair<const char*, const std::string&> lines[] = {
      {"payload id", entry.payload_id},
      {"source", entry.source},
      {"destination", entry.destination},
      {"failed at", one.failed_at},
      {"reason", one.reason},
      {"accepted at", entry.timestamp},
      {"subject", entry.subject},
      {"actor type", entry.actor_type},
      {"actor id", entry.actor_id},
      {"idempotency key", entry.idempotency_key},
      {"payload", entry.payload}};
  std::string out;
  for (const auto& [name, value] : lines)
    if (!value.empty()) out += fmt::format("{:<16} {}\n", name, printable(value));
  return out;
}

}  // namespace

int command_dlq_list(const dlq_options& how, const destinations::registry& types) {
  const auto place = find_log(how.log, types);
  if (!place) return fail(place.reason());
  table rows({{"payload id"}, {"source"}, {"destination"}, {"failed at"}, {"reason"}});
  std::uint64_t count = 0;
  std::string objects;
  const auto read = wal::read_dead_letters(
      place->how, filter_of(how), [&](wal::dead_letter&& found) -> core::result<void> {
        const auto one = to_dead_letter(std::move(found));
        ++count;
        if (!how.json) {
          rows.add({one.entry.payload_id, one.entry.source, one.entry.destination, one.failed_at,
                    one.reason});
          return {};
        }
        if (!objects.empty()) objects += ',';
        append_json(objects, one, false);
        return {};
      });
  if (!read) return fail(read.reason());
  if (how.json)
    return answer("{\"dead_letters\":[" + objects + "],\"total\":" + std::to_string(count) + "}\n");
  return answer(count == 0 ? "no dead letters\n"
                           : rows.text() + count_text(count, "dead letter", "dead letters") + "\n");
}

int command_dlq_show(const dlq_options& how, const destinations::registry& types) {
  const auto place = find_log(how.log, types);
  if (!place) return fail(place.reason());
  std::string out;
  const auto read = wal::read_dead_letters(place->how, filter_of(how),
                                           [&](wal::dead_letter&& found) -> core::result<void> {
                                             const auto one = to_dead_letter(std::move(found));
                                             if (how.json) {
                                               append_json(out, one, true);
                                               out += '\n';
                                             } else {
                                               out += (out.empty() ? "" : "\n") + letter_text(one);
                                             }
                                             return {};
                                           });
  if (!read) return fail(read.reason());
  if (out.empty()) return fail_unknown(how.payload_ids.front());
  return answer(out);
}

int command_dlq_redrive(const dlq_options& how, const destinations::registry& types) {
  if (!names_some(how)) return fail_unnamed(redriving);
  const auto place = find_log_to_change(how.log, types);
  if (!place) return fail(place.reason());
  return act(redriving, how, *place);
}

int command_dlq_purge(const dlq_options& how, const destinations::registry& types) {
  if (!names_some(how)) return fail_unnamed(purging);
  const auto place = find_log_to_change(how.log, types);
  if (!place) return fail(place.reason());
  if (!how.yes) {
    if (::isatty(STDIN_FILENO) == 0)
      return fail("purging can't be undone: say --yes where nobody can be asked");
    const auto sure = confirmed(how, *place);
    if (!sure) return fail(sure.reason());
    if (!*sure) return fail("nothing was purged");
  }
  return act(purging, how, *place);
}

}  // namespace nexus::cli
