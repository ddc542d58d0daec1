#include "cli/run.hpp"

#include <csignal>
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "actors/remote_destination.hpp"
#include "cli/commands.hpp"
#include "cli/log_arguments.hpp"
#include "cli/output.hpp"
#include "ingest/ports.hpp"

namespace nexus {
namespace {

/// Everything that the arguments can set, and the command that they chose.
struct arguments {
  cli::init_options init;
  cli::start_options start;
  cli::stop_options stop;
  cli::reload_options reload;
  cli::status_options status;
  cli::lint_options lint;
  cli::config_test_options config_test;
  cli::destinations_options destinations;
  cli::doctor_options doctor;
  cli::demo_options demo;
  cli::log_arguments log;
  std::function<int()> chosen;
};

void add_home(CLI::App* command, std::string& home) {
  command->add_option("--home", home,
                      "Home directory (else NEXUS_HOME, BUBBLEFISH_HOME or ~/.nexus)");
}

void add_server_commands(CLI::App& app, arguments& all, const destinations::registry& types) {
  auto* start = app.add_subcommand("start", "Run the server until SIGINT, SIGTERM or `nexus stop`");
  add_home(start, all.start.home);
  start->add_option("--port", all.start.port, "Listen on this port; 0: any free one");
  start->add_flag("--banner", all.start.banner, "Print an API key and first requests to try");
  start->callback([&] { all.chosen = [&] { return cli::command_start(all.start, types); }; });

  auto* stop = app.add_subcommand("stop", "Stop the running server and wait until it is gone");
  add_home(stop, all.stop.home);
  stop->add_option_function<std::int64_t>(
          "--timeout",
          [&](const std::int64_t& seconds) { all.stop.timeout = std::chrono::seconds(seconds); },
          "Seconds to wait (60)")
      ->check(CLI::Range(0, 86'400));
  stop->callback([&] { all.chosen = [&] { return cli::command_stop(all.stop, types); }; });

  auto* reload =
      app.add_subcommand("reload", "Have the running server read its configuration again");
  add_home(reload, all.reload.home);
  reload->callback([&] { all.chosen = [&] { return cli::command_reload(all.reload, types); }; });

  auto* status = app.add_subcommand("status", "Show how the server is doing");
  add_home(status, all.status.home);
  status->add_flag("--json", all.status.json, "As JSON");
  status->callback([&] { all.chosen = [&] { return cli::command_status(all.status, types); }; });
}

void add_config_commands(CLI::App& app, arguments& all, const destinations::registry& types) {
  auto* init = app.add_subcommand("init", "Create a first configuration with fresh keys");
  init->alias("install");
  add_home(init, all.init.home);
  init->add_flag("--force", all.init.force, "Replace an existing configuration and its keys");
  init->add_option("--mode", all.init.mode, "The configuration's mode")
      ->check(CLI::IsMember({"simple", "safe", "balanced", "fast"}));
  init->callback([&] { all.chosen = [&] { return cli::command_init(all.init); }; });

  auto* lint = app.add_subcommand("lint", "Check the configuration");
  add_home(lint, all.lint.home);
  lint->add_flag("--offline", all.lint.offline, "Don't ask the destinations whether they answer");
  lint->add_flag("--json", all.lint.json, "As JSON");
  lint->callback([&] { all.chosen = [&] { return cli::command_lint(all.lint, types); }; });
}

void add_config_tests(CLI::App& app, arguments& all, const destinations::registry& types) {
  auto* parent = app.add_subcommand("config", "Work on the configuration");
  parent->require_subcommand(1);
  auto* test = parent->add_subcommand("test", "Run tests of mappings and routing");
  add_home(test, all.config_test.home);
  test->add_option("FILE", all.config_test.files, "Files with tests, TOML")->required();
  test->add_flag("--json", all.config_test.json, "As JSON");
  test->callback(
      [&] { all.chosen = [&] { return cli::command_config_test(all.config_test, types); }; });
}

using destinations_command = int (*)(const cli::destinations_options&,
                                     const destinations::registry&);

void add_destination_commands(CLI::App& app, arguments& all, const destinations::registry& types) {
  auto* parent = app.add_subcommand("destinations", "Where entries go: look, pause, resume, test");
  parent->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, destinations_command run) {
    auto* command = parent->add_subcommand(name, what);
    add_home(command, all.destinations.home);
    command->callback([&all, &types, run] {
      all.chosen = [&all, &types, run] { return run(all.destinations, types); };
    });
    return command;
  };
  const auto add_name = [&](CLI::App* command) {
    return command->add_option("NAME", all.destinations.names, "Name of the destination");
  };
  add("list", "Show how they are doing", cli::command_destinations_list)
      ->add_flag("--json", all.destinations.json, "As JSON");
  add_name(
      add("pause", "Stop deliveries to one; its entries wait", cli::command_destinations_pause))
      ->expected(1)
      ->required();
  add_name(add("resume", "Go on with the deliveries to one", cli::command_destinations_resume))
      ->expected(1)
      ->required();
  add_name(add("test", "Try whether they can be used as configured; writes nothing",
               cli::command_destinations_test));
}

void add_doctor(CLI::App& app, arguments& all, const destinations::registry& types) {
  auto& to = all.doctor;
  auto* doctor = app.add_subcommand("doctor", "Check that nothing that was delivered is missing");
  add_home(doctor, to.home);
  doctor->add_flag("--consistency", to.consistency,
                   "Look up delivered entries in their destinations");
  auto* sample = doctor->add_option("--sample", to.sample, "So many, drawn at random (100)")
                     ->check(CLI::Range(std::size_t{1}, ingest::consistency_sample_max));
  doctor->add_flag("--all", to.all, "Every one that the log still has")->excludes(sample);
  doctor->add_option("--destination", to.destination, "Only those of this destination");
  doctor->add_flag("--redeliver", to.redeliver, "Deliver what is missing once more");
  doctor->add_flag("--json", to.json, "As JSON");
  doctor->callback([&] { all.chosen = [&] { return cli::command_doctor(all.doctor, types); }; });
}

void add_other_commands(CLI::App& app, arguments& all) {
  auto* demo = app.add_subcommand("demo", "Kill a server under load and show that nothing is lost");
  demo->add_option("--entries", all.demo.entries, "Entries to acknowledge before the kill (2000)")
      ->check(CLI::Range(1, 10'000'000));
  demo->add_option("--clients", all.demo.clients, "Clients that write at once (8)")
      ->check(CLI::Range(1, 1000));
  demo->add_flag("--keep", all.demo.keep, "Leave the demo's directory behind");
  demo->callback([&] { all.chosen = [&] { return cli::command_demo(all.demo); }; });
  app.add_subcommand("version", "Print name and version")->callback([&] {
    all.chosen = [] { return cli::command_version(); };
  });
  app.add_flag_callback(
      "--version", [&] { all.chosen = [] { return cli::command_version(); }; },
      "Print name and version");
}

}  // namespace

int run(int argc, char** argv, const destinations::registry& given) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of the write, not the end
  destinations::registry types = given;
  // Here, because what is in destinations/ knows no actors. A type of that name comes first.
  types.add(actors::remote_type_name, actors::remote_type());
  arguments all;
  CLI::App app("Nexus, a durable ingest pipeline", "nexus");
  app.require_subcommand(0, 1);
  add_config_commands(app, all, types);
  add_config_tests(app, all, types);
  add_server_commands(app, all, types);
  add_destination_commands(app, all, types);
  add_doctor(app, all, types);
  add_other_commands(app, all);
  cli::add_log_commands(app, all.log, all.chosen, types);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    if (wrong.get_exit_code() == 0) return app.exit(wrong);  // --help
    return cli::fail(std::string(wrong.what()) + "\nRun `nexus --help` for the commands.");
  }
  if (all.chosen) return all.chosen();
  std::fputs(app.help().c_str(), stderr);
  return 1;
}

}  // namespace nexus
