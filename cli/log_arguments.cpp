#include "cli/log_arguments.hpp"

#include <string>

#include <CLI/CLI.hpp>

namespace nexus::cli {
namespace {

void add_log(CLI::App* command, log_options& log) {
  auto* home = command->add_option(
      "--home", log.home,
      "Home directory (else NEXUS_HOME, BUBBLEFISH_HOME or ~/.nexus); its configuration says where "
      "the log is and has the keys");
  auto* dir = command->add_option("--dir", log.directory, "Directory of the log, instead of a home")
                  ->excludes(home);
  const auto for_directory = [dir](CLI::Option* option) { return option->needs(dir); };
  for_directory(command->add_option("--integrity", log.integrity, "How its lines are protected"))
      ->check(CLI::IsMember({"crc32", "mac"}));
  for_directory(command->add_option(
      "--mac-key", log.mac_key,
      "Key for --integrity mac: env:NAME, file:/path, hex:DIGITS or the key itself"));
  for_directory(command->add_flag("--strict", log.strict,
                                  "With --integrity mac: a line without an HMAC is damage"));
  for_directory(command->add_option(
      "--key-file", log.key_file,
      "Key that the log is encrypted with: env:NAME, file:/path, or the key itself"));
  for_directory(command->add_option("--previous-key-file", log.previous_key_files,
                                    "A key that it was encrypted with before; may be repeated"))
      ->expected(1)
      ->take_all();
  for_directory(command->add_option("--cipher", log.cipher, "What --key-file is for"))
      ->check(CLI::IsMember({"aes-256-gcm", "xchacha20-poly1305"}));
}

using wal_command = int (*)(const wal_command_options&, const destinations::registry&);
using dlq_command = int (*)(const dlq_options&, const destinations::registry&);

/// What all subcommands of one command need.
struct shelf {
  CLI::App* parent;
  log_arguments& to;
  std::function<int()>& chosen;
  const destinations::registry& types;
};

CLI::App* add(const shelf& in, const char* name, const char* what, wal_command run) {
  auto* command = in.parent->add_subcommand(name, what);
  add_log(command, in.to.wal.log);
  command->callback([&to = in.to.wal, &chosen = in.chosen, &types = in.types, run] {
    chosen = [&to, &types, run] { return run(to, types); };
  });
  return command;
}

CLI::App* add(const shelf& in, const char* name, const char* what, dlq_command run) {
  auto* command = in.parent->add_subcommand(name, what);
  add_log(command, in.to.dlq.log);
  command->add_flag("--json", in.to.dlq.json, "As JSON");
  command->callback([&to = in.to.dlq, &chosen = in.chosen, &types = in.types, run] {
    chosen = [&to, &types, run] { return run(to, types); };
  });
  return command;
}

void add_wal(const shelf& in) {
  auto& to = in.to.wal;
  const auto add_json = [&](CLI::App* command) { command->add_flag("--json", to.json, "As JSON"); };
  add_json(add(in, "inspect", "Show what is in each segment", command_wal_inspect));
  auto* out = add(in, "export", "Print entries, one JSON object a line", command_wal_export);
  out->add_option("--status", to.status, "Which entries")
      ->check(CLI::IsMember({"pending", "delivered", "failed", "all"}));
  out->add_option("--since", to.since, "Only with timestamps from this on (RFC 3339)");
  out->add_option("--until", to.until, "Only with timestamps before this (RFC 3339)");
  out->add_option("--source", to.source, "Only those of this source");
  add_json(add(in, "verify", "Check every line; 0 clean, 1 damaged or changed, 2 unreadable",
               command_wal_verify));
  add_json(add(in, "settle",
               "Write what has become of each entry into its own line (not beside a server)",
               command_wal_settle));
  auto* repair =
      add(in, "repair", "Take damaged lines out (not beside a server)", command_wal_repair);
  repair->add_flag("--dry-run", to.dry_run, "Only say what would be done");
  add_json(repair);
}

void add_choice(CLI::App* command, dlq_options& to) {
  auto* all = command->add_flag("--all", to.all, "All of them, or all that fit the filters");
  command->add_option("ID", to.payload_ids, "Payload ids")->excludes(all);
}

void add_filters(CLI::App* command, dlq_options& to) {
  command->add_option("--source", to.source, "Only those of this source");
  command->add_option("--destination", to.destination, "Only those for this destination");
}

void add_dlq(const shelf& in) {
  auto& to = in.to.dlq;
  add_filters(add(in, "list", "List them, oldest first", command_dlq_list), to);
  add(in, "show", "Show one with its payload", command_dlq_show)
      ->add_option("ID", to.payload_ids, "Payload id")
      ->expected(1)
      ->required();
  auto* redrive = add(in, "redrive", "Deliver them once more", command_dlq_redrive);
  auto* purge = add(in, "purge", "Give them up for good", command_dlq_purge);
  for (auto* command : {redrive, purge}) {
    add_choice(command, to);
    add_filters(command, to);
  }
  purge->add_flag("--yes", to.yes, "Don't ask");
}

}  // namespace

void add_log_commands(CLI::App& app, log_arguments& to, std::function<int()>& chosen,
                      const destinations::registry& types) {
  auto* wal = app.add_subcommand("wal", "Look at a write-ahead log, and mend it");
  wal->require_subcommand(1);
  add_wal({wal, to, chosen, types});
  auto* dlq = app.add_subcommand("dlq", "Dead letters: entries that have failed for good");
  dlq->require_subcommand(1);
  add_dlq({dlq, to, chosen, types});
}

}  // namespace nexus::cli
