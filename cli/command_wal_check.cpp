// `nexus wal verify`, `settle` and `repair`: is a log what was written, and making it so again.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "core/json_object.hpp"
#include "wal/log.hpp"
#include "wal/repair.hpp"
#include "wal/verify.hpp"

namespace nexus::cli {
namespace {

using core::json_object;

constexpr int exit_damaged = 1;
constexpr int exit_unreadable = 2;

std::string verification_json(const wal::verification& found) {
  std::string out;
  json_object object(out);
  object.boolean("clean", found.breaches == 0)
      .number("breaches", found.breaches)
      .number("segments", found.segments)
      .number("sealed", found.sealed)
      .number("unsealed", found.unsealed)
      .number("lines", found.lines)
      .number("entries", found.entries)
      .number("bytes", found.bytes)
      .number("quarantined", found.quarantined);
  std::string& findings = object.start("findings");
  findings += '[';
  for (const auto& one : found.findings) {
    if (findings.back() != '[') findings += ',';
    json_object(findings)
        .text("what", to_string(one.what))
        .text("segment", one.segment)
        .number("line", one.line)
        .number("offset", one.offset)
        .text("text", one.text)
        .end();
  }
  findings += ']';
  object.end();
  return out + "\n";
}

std::string place_text(const wal::finding& one) {
  if (one.line == 0) return one.segment;
  return fmt::format("{} line {}, at byte {}", one.segment, one.line, one.offset);
}

std::string verification_text(const wal::verification& found, bool mac) {
  std::string out = fmt::format(
      "{} ({} sealed, {} not), {}, {}, {}\n", count_text(found.segments, "segment", "segments"),
      found.sealed, found.unsealed, count_text(found.lines, "line", "lines"),
      count_text(found.entries, "entry", "entries"), size_text(found.bytes));
  if (found.quarantined > 0)
    out += count_text(found.quarantined, "damaged line was", "damaged lines were") +
           " taken out by `nexus wal repair`\n";
  if (found.breaches == 0)
    return out + (mac ? "clean: every line and the chain of seals fit\n" : "clean\n");
  const auto& first = found.findings.front();
  out += fmt::format("{}\nfirst breach: {}: {}: {}\n",
                     count_text(found.breaches, "breach", "breaches"), place_text(first),
                     to_string(first.what), printable(first.text));
  if (found.findings.size() == 1) return out;
  table others({{"then, in"}, {"breach"}, {"what happened"}});
  for (std::size_t i = 1; i < found.findings.size(); ++i) {
    const auto& one = found.findings[i];
    others.add({place_text(one), to_string(one.what), one.text});
  }
  out += others.text();
  const auto left = found.breaches - found.findings.size();
  return left == 0 ? out : out + fmt::format("and {} more\n", left);
}

/// What tells whether a file was rewritten: then another file has its name.
struct file_state {
  ino_t inode = 0;
  std::uint64_t bytes = 0;
};

core::result<std::map<std::string, file_state>> files_in(const wal::options& how) {
  auto names = how.files->list(how.directory);
  if (!names) return names.reason();
  std::map<std::string, file_state> out;
  for (const auto& name : *names) {
    struct stat info {};
    const bool counts = name.ends_with(".jsonl");
    if (counts && ::stat((how.directory + "/" + name).c_str(), &info) == 0)
      out[name] = {info.st_ino, static_cast<std::uint64_t>(info.st_size)};
  }
  return out;
}

struct rewritten_file {
  std::string name;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
};

std::vector<rewritten_file> compare(const std::map<std::string, file_state>& before,
                                    const std::map<std::string, file_state>& after) {
  std::vector<rewritten_file> out;
  for (const auto& [name, old] : before) {
    const auto now = after.find(name);
    const bool is_there = now != after.end();
    if (!is_there || now->second.inode != old.inode)
      out.push_back({name, old.bytes, is_there ? now->second.bytes : 0});
  }
  return out;
}

std::string settled_json(const std::vector<rewritten_file>& files) {
  std::string out;
  json_object object(out);
  std::string& list = object.start("rewritten");
  list += '[';
  for (const auto& file : files) {
    if (list.back() != '[') list += ',';
    json_object(list)
        .text("name", file.name)
        .number("bytes_before", file.before)
        .number("bytes_after", file.after)
        .end();
  }
  list += ']';
  object.end();
  return out + "\n";
}

std::string settled_text(const std::vector<rewritten_file>& files) {
  if (files.empty()) return "nothing to settle\n";
  constexpr auto right = table::align::right;
  table out({{"rewritten"}, {"size before", right}, {"size after", right}});
  for (const auto& file : files)
    out.add({file.name, size_text(file.before), size_text(file.after)});
  return out.text();
}

core::result<void> settle(const wal::options& how) {
  auto log = wal::log::open(how);
  if (!log) return log.reason();
  auto settled = (*log)->settle();
  auto closed = (*log)->close();
  return settled ? closed : settled;
}

std::string repair_json(const wal::repair_report& report, bool dry_run) {
  std::string out;
  json_object object(out);
  object.boolean("dry_run", dry_run);
  std::string& lines = object.start("lines");
  lines += '[';
  for (const auto& one : report.lines) {
    if (lines.back() != '[') lines += ',';
    json_object(lines)
        .text("segment", one.segment)
        .number("line", one.line)
        .number("offset", one.offset)
        .number("bytes", one.bytes)
        .text("reason", one.reason)
        .end();
  }
  lines += ']';
  object.number("quarantined", report.quarantined)
      .number("torn_bytes", report.torn_bytes)
      .number("leftovers", report.leftovers)
      .end();
  return out + "\n";
}

std::string repair_text(const wal::repair_report& report, bool dry_run) {
  if (report.lines.empty() && report.torn_bytes == 0 && report.leftovers == 0)
    return "nothing to repair\n";
  std::string out;
  if (!report.lines.empty()) {
    constexpr auto right = table::align::right;
    table lines({{"segment"}, {"line", right}, {"at byte", right}, {"bytes", right}, {"damage"}});
    for (const auto& one : report.lines)
      lines.add({one.segment, std::to_string(one.line), std::to_string(one.offset),
                 std::to_string(one.bytes), one.reason});
    out += lines.text();
  }
  const std::string will = dry_run ? "would be " : "";
  out += fmt::format("{} {}taken out, {} of a torn write {}cut off, {} {}removed\n",
                     count_text(report.lines.size(), "damaged line", "damaged lines"), will,
                     count_text(report.torn_bytes, "byte", "bytes"), will,
                     count_text(report.leftovers, "temporary file", "temporary files"), will);
  if (dry_run) return out + "nothing was changed: this was a dry run\n";
  if (report.lines.empty()) return out;
  return out + fmt::format("copies are in the directory `quarantine` beside the segments, {} new\n",
                           report.quarantined);
}

}  // namespace

int command_wal_verify(const wal_command_options& how, const destinations::registry& types) {
  const auto place = find_log(how.log, types);
  if (!place) {
    fail(place.reason());
    return exit_unreadable;
  }
  const auto found = wal::verify(place->how);
  if (!found) {
    fail(found.reason());
    return exit_unreadable;
  }
  const bool mac = place->how.integrity == wal::integrity_mode::mac;
  return answer(how.json ? verification_json(*found) : verification_text(*found, mac),
                found->breaches == 0 ? 0 : exit_damaged);
}

int command_wal_settle(const wal_command_options& how, const destinations::registry& types) {
  const auto place = find_log_to_change(how.log, types);
  if (!place) return fail(place.reason());
  const auto before = files_in(place->how);
  if (!before) return fail(before.reason());
  if (auto settled = settle(place->how); !settled)
    return fail_to_open(*place, settled.reason(), "wal settle");
  const auto after = files_in(place->how);
  if (!after) return fail(after.reason());
  const auto rewritten = compare(*before, *after);
  print(how.json ? settled_json(rewritten) : settled_text(rewritten));
  return 0;
}

int command_wal_repair(const wal_command_options& how, const destinations::registry& types) {
  const auto place = find_log_to_change(how.log, types);
  if (!place) return fail(place.reason());
  const auto report = wal::repair(place->how, how.dry_run);
  if (!report) return fail_to_open(*place, report.reason(), "wal repair");
  print(how.json ? repair_json(*report, how.dry_run) : repair_text(*report, how.dry_run));
  return 0;
}

}  // namespace nexus::cli
