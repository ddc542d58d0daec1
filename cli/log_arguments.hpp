// The arguments of `nexus wal` and `nexus dlq`.
#pragma once

#include <functional>

#include "cli/commands.hpp"

namespace CLI {
class App;
}

namespace nexus::cli {

struct log_arguments {
  wal_command_options wal;
  dlq_options dlq;
};

/// Adds the commands to `app`. Parsing fills `to` in and puts what is to be run into `chosen`; all
/// three references must outlive that.
void add_log_commands(CLI::App& app, log_arguments& to, std::function<int()>& chosen,
                      const destinations::registry& types);

}  // namespace nexus::cli
