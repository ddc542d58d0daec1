// `nexus reload`: the running server reads its configuration again.
#include <chrono>
#include <string>

#include "cli/commands.hpp"
#include "cli/home.hpp"
#include "cli/http_client.hpp"
#include "cli/output.hpp"
#include "cli/server_api.hpp"
#include "cli/table.hpp"
#include "core/json_text.hpp"

namespace nexus::cli {
namespace {

namespace json = core::json;

/// A destination that is taken out gets some seconds to end what is on its way to it.
constexpr std::chrono::seconds patience{120};

/// The texts of a JSON list, each on a line behind `prefix`.
std::string lines_of(std::string_view list, const std::string& prefix) {
  std::string text;
  json::members all(list);
  while (const auto* one = all.next()) text += prefix + printable(json::unquote(one->value)) + "\n";
  return text;
}

int show_report(const std::string& body) {
  auto report = members_of(body);
  const auto changes = lines_of(report["changes"], "");
  print("reloaded" + std::string(changes.empty() ? "; nothing has changed" : "") + "\n" + changes +
        lines_of(report["notes"], "note: "));
  return 0;
}

}  // namespace

int command_reload(const reload_options& how, const destinations::registry& types) {
  const auto home = home_directory(how.home);
  if (!home) return fail(home.reason());
  const auto loaded = load_beside_server(*home, types);
  if (!loaded) return fail(loaded.reason());  // the server would find the same
  const auto server = find_running(*home);
  if (!server) return fail("the server is not running");
  const auto client = connect(*server, loaded->settings.tls, patience);
  if (!client) return fail(client.reason());
  const auto answer = (*client)->send(
      {"POST", "/api/reload", std::string(loaded->settings.admin_token.reveal()), {}, ""});
  const std::string by_signal =
      "Send the process SIGHUP, id " + std::to_string(server->pid) + "; its log says how it went";
  if (!answer) return fail(answer.reason().text + "\n" + by_signal);
  if (answer->status == 401)
    return fail(
        "the server does not accept the admin token of this configuration: it was changed and not "
        "reloaded yet. " +
        by_signal);
  if (!json::validate(answer->body).ok())
    return fail("the server answered " + std::to_string(answer->status));
  if (answer->status == 200) return show_report(answer->body);
  auto refusal = members_of(answer->body);
  if (answer->status == 422)
    return fail(printable(refusal["message"]) + "\n" +
                lines_of(members_of(refusal["details"])["findings"], ""));
  return fail("the server answered " + std::to_string(answer->status) + ": " +
              printable(refusal["message"]));
}

}  // namespace nexus::cli
