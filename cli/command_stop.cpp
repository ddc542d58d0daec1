#include <chrono>
#include <string>
#include <thread>

#include "cli/commands.hpp"
#include "cli/home.hpp"
#include "cli/http_client.hpp"
#include "cli/output.hpp"
#include "cli/server_api.hpp"

namespace nexus::cli {
namespace {

/// Waits until the process is gone; false if it is still there after `timeout`.
bool wait_for_end(pid_t pid, std::chrono::seconds timeout) {
  constexpr std::chrono::milliseconds pause{20};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (is_alive(pid)) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

int ask_to_stop(const running_server& server, const config::config& settings) {
  const auto client = connect(server, settings.tls, std::chrono::seconds(30));
  const std::string by_signal = "SIGTERM stops it as well: process " + std::to_string(server.pid);
  if (!client) return fail(client.reason().text + ". " + by_signal);
  const std::string token(settings.admin_token.reveal());
  const auto answer = (*client)->send({"POST", "/api/shutdown", token, {}, ""});
  if (!answer) return fail(answer.reason().text + ". " + by_signal);
  if (answer->status == 202) return 0;
  if (answer->status == 401) {
    return fail("the server at " + address_text(server.host, server.port) +
                " does not accept the admin token of this configuration. It was changed since the "
                "start: send the process SIGTERM, id " +
                std::to_string(server.pid));
  }
  return fail("POST /api/shutdown was answered with " + std::to_string(answer->status));
}

}  // namespace

int command_stop(const stop_options& how, const destinations::registry& types) {
  const auto home = home_directory(how.home);
  if (!home) return fail(home.reason());
  const auto loaded = load_beside_server(*home, types);
  if (!loaded) return fail(loaded.reason());
  const auto server = find_running(*home);
  if (!server) {
    print("not running\n");
    return 0;
  }
  if (const int status = ask_to_stop(*server, loaded->settings); status != 0) {
    if (is_alive(server->pid)) return status;
    print("not running\n");
    return 0;
  }
  if (!wait_for_end(server->pid, how.timeout)) {
    return fail("the server, process " + std::to_string(server->pid) + ", is still there after " +
                std::to_string(how.timeout.count()) +
                " s. It may be delivering, or closing its log: wait, or give a longer --timeout");
  }
  print("stopped\n");
  return 0;
}

}  // namespace nexus::cli
