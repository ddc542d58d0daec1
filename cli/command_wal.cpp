// `nexus wal inspect` and `nexus wal export`.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "wal/inspect.hpp"

namespace nexus::cli {
namespace {

using core::json_object;

wal::selection selection_of(const std::string& status) {
  if (status == "delivered") return wal::selection::delivered;
  if (status == "failed") return wal::selection::failed;
  return status == "all" ? wal::selection::all : wal::selection::pending;
}

core::result<std::optional<core::time_point>> time_of(const char* flag, const std::string& text) {
  if (text.empty()) return std::optional<core::time_point>();
  auto at = core::parse_timestamp(text);
  if (at) return at;
  return core::error{core::errc::invalid_argument,
                     std::string(flag) + " " + text +
                         " is not a time as in RFC 3339, such as 2026-04-07T01:02:03Z"};
}

core::result<wal::entry_filter> filter_of(const wal_command_options& how) {
  auto since = time_of("--since", how.since);
  if (!since) return since.reason();
  auto until = time_of("--until", how.until);
  if (!until) return until.reason();
  return wal::entry_filter{how.source, *since, *until};
}

void add_counters(json_object& to, const wal::inspection& found) {
  to.number("pending", found.pending)
      .number("delivered", found.delivered)
      .number("failed", found.failed)
      .number("crc_failures", found.crc_failures)
      .number("integrity_failures", found.integrity_failures)
      .number("sentinel_failures", found.sentinel_failures)
      .number("undecodable_lines", found.undecodable_lines)
      .number("torn_lines", found.torn_lines)
      .number("malformed_lines", found.malformed_lines)
      .number("duplicates", found.duplicates)
      .number("lines", found.lines)
      .number("status_lines", found.status_lines)
      .number("segments", found.segments)
      .number("bytes", found.bytes);
}

void append_file(std::string& out, const wal::segment_inspection& file) {
  json_object(out)
      .text("name", file.name)
      .number("bytes", file.bytes)
      .number("lines", file.lines)
      .number("pending", file.pending)
      .number("delivered", file.delivered)
      .number("failed", file.failed)
      .number("given_up", file.given_up)
      .boolean("settled", file.settled)
      .boolean("sealed", file.sealed)
      .boolean("encrypted", !file.key_id.empty())
      .text("key_id", file.key_id)
      .number("damaged", file.damaged)
      .end();
}

std::string inspection_json(const wal::inspection& found) {
  std::string out;
  json_object object(out);
  add_counters(object, found);
  object.boolean("clean", !found.first_damage);
  if (const auto& first = found.first_damage) {
    json_object(object.start("first_damage"))
        .text("segment", first->segment)
        .number("line", first->line)
        .number("offset", first->offset)
        .text("what", first->what)
        .end();
  }
  std::string& files = object.start("files");
  files += '[';
  for (const auto& file : found.files) {
    if (files.back() != '[') files += ',';
    append_file(files, file);
  }
  files += ']';
  object.end();
  return out + "\n";
}

std::string yes_or_no(bool value) {
  return value ? "yes" : "no";
}

std::string inspection_table(const wal::inspection& found) {
  constexpr auto right = table::align::right;
  table out({{"segment"},
             {"size", right},
             {"lines", right},
             {"pending", right},
             {"delivered", right},
             {"failed", right},
             {"given up", right},
             {"settled"},
             {"sealed"},
             {"encrypted with"},
             {"damaged", right}});
  std::uint64_t given_up = 0;
  std::uint64_t damaged = 0;
  std::uint64_t pending = 0;
  const auto n = [](std::uint64_t number) { return std::to_string(number); };
  for (const auto& file : found.files) {
    given_up += file.given_up;
    damaged += file.damaged;
    pending += file.pending;
    out.add({file.name, size_text(file.bytes), n(file.lines), n(file.pending), n(file.delivered),
             n(file.failed), n(file.given_up), yes_or_no(file.settled), yes_or_no(file.sealed),
             file.key_id.empty() ? "-" : "key " + file.key_id, n(file.damaged)});
  }
  out.add({"total", size_text(found.bytes), n(found.lines), n(pending), n(found.delivered),
           n(found.failed), n(given_up), "", "", "", n(damaged)});
  return out.text();
}

std::string inspection_text(const wal::inspection& found) {
  std::string out = inspection_table(found);
  if (found.duplicates > 0) {
    out += fmt::format("{} of the pending entries wait for another one with the same key.\n",
                       found.duplicates);
  }
  const auto& first = found.first_damage;
  if (!first) return out;
  return out + fmt::format(
                   "damage: {} wrong CRC, {} wrong or missing HMAC, {} without their sentinel, {} "
                   "undecodable, {} torn, {} malformed\nfirst damage: {} line {}, at byte {}: {}\n",
                   found.crc_failures, found.integrity_failures, found.sentinel_failures,
                   found.undecodable_lines, found.torn_lines, found.malformed_lines, first->segment,
                   first->line, first->offset, first->what);
}

}  // namespace

int command_wal_inspect(const wal_command_options& how, const destinations::registry& types) {
  const auto place = find_log(how.log, types);
  if (!place) return fail(place.reason());
  const auto found = wal::inspect(place->how, wal::selection::none, {}, [](std::string_view) {});
  if (!found) return fail(found.reason());
  return answer(how.json ? inspection_json(*found) : inspection_text(*found));
}

int command_wal_export(const wal_command_options& how, const destinations::registry& types) {
  const auto filter = filter_of(how);
  if (!filter) return fail(filter.reason());
  const auto place = find_log(how.log, types);
  if (!place) return fail(place.reason());
  const auto found =
      wal::inspect(place->how, selection_of(how.status), *filter, [](std::string_view json) {
        write_out(json);
        write_out("\n");
      });
  if (!found) return fail(found.reason());
  if (!finish_out()) return fail_incomplete("export");
  std::string counters;
  json_object object(counters);
  add_counters(object, *found);
  object.end();
  std::fputs((counters + "\n").c_str(), stderr);
  return 0;
}

}  // namespace nexus::cli
