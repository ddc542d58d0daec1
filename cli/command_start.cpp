#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/home.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/stop_request.hpp"
#include "cli/wire.hpp"
#include "config/loader.hpp"

namespace nexus::cli {
namespace {

/// How long the answer to POST /api/shutdown has to reach its client, as in the reference.
constexpr std::chrono::milliseconds answer_time{75};

/// As one word of a shell's command line.
std::string shell_word(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

/// What to paste into a shell for a first write and for reading it back.
std::string banner(const config::config& settings, const std::string& address) {
  for (const auto& source : settings.sources) {
    if (!source.can_write) continue;
    const std::string key(source.api_keys.front().reveal());
    const std::string& to = source.target_destinations.front();
    const auto& tls = settings.tls;
    const std::string curl =
        "curl -sS" + (tls.enabled ? " --cacert " + shell_word(tls.cert_file) : "");
    const std::string server = (tls.enabled ? "https://" : "http://") + address;
    return "\nSource \"" + source.name + "\", API key:\n  " + key + "\n\nWrite:\n  " + curl +
           " -X POST " + server + "/inbound/" + source.name + " -H 'Authorization: Bearer " + key +
           "' -H 'Content-Type: application/json'"
           " -d '{\"message\":{\"role\":\"user\",\"content\":\"Hello, Nexus\"},\"model\":\"demo\"}'"
           "\n\nRead back:\n  " +
           curl + " '" + server + "/query/" + to + "?limit=5' -H 'Authorization: Bearer " + key +
           "'\n\n";
  }
  return "\nNo source may write: set can_write = true in one of the files in sources/\n\n";
}

/// Waits until there is a reason to stop.
void wait_for_stop(stop_request& stop, service& running) {
  for (;;) {
    const auto why = stop.wait();
    if (why == stop_request::origin::program) return std::this_thread::sleep_for(answer_time);
    if (why == stop_request::origin::signal) return;
    running.reload();
  }
}

int serve(const start_options& how, const std::string& home, config::loaded loaded,
          const destinations::registry& types, const core::logger_ptr& log) {
  stop_request stop;
  if (how.port) loaded.settings.port = *how.port;
  const auto settings = std::make_shared<const config::config>(std::move(loaded.settings));
  const auto load = [&how, &home, &types] {
    auto again = config::load(home, type_table(types));
    if (again && how.port) again->settings.port = *how.port;
    return again;
  };
  auto running = service::start(
      settings, types, log, [&stop] { stop.request(); }, load);
  if (!running) return fail(running.reason());

  const running_server here{::getpid(), client_host(settings->bind), (*running)->port(),
                            settings->tls.enabled};
  if (auto noted = write_running(home, here); !noted) {
    (*running)->stop(settings->drain_timeout);
    return fail(noted.reason());
  }
  const std::string address = address_text(here.host, here.port);
  log->info("listening on " + address_text(settings->bind, here.port));
  print("listening on " + address + "\n" + (how.banner ? banner(*settings, address) : ""));

  wait_for_stop(stop, **running);
  log->info("stopping; a second signal ends the program at once");
  const std::uint64_t pending = (*running)->stop((*running)->settings()->drain_timeout);
  remove_running(home);
  log->info(pending == 0 ? "stopped; nothing is pending"
                         : "stopped; " + std::to_string(pending) +
                               " entries are pending and will be delivered after the next start");
  return 0;
}

}  // namespace

int command_start(const start_options& how, const destinations::registry& types) {
  const auto home = home_directory(how.home);
  if (!home) return fail(home.reason());
  auto loaded = config::load(*home, type_table(types));
  if (!loaded) return fail(loaded.reason());
  const auto log = make_logger(loaded->settings);
  for (const auto& one : loaded->findings) {
    const bool is_error = one.level == config::severity::error;
    is_error ? log->error(config::to_string(one)) : log->warn(config::to_string(one));
  }
  return serve(how, *home, std::move(*loaded), types, log);
}

}  // namespace nexus::cli
