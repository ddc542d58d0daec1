#include <map>
#include <string>
#include <utility>

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

std::string destination_line(std::string_view raw) {
  auto one = members_of(raw);
  std::string line = "  " + one["name"] + " (" + one["type"] + "): " + one["state"] + ", " +
                     one["delivered"] + " delivered, " + one["queued"] + " queued, " +
                     one["failed"] + " failed\n";
  if (!one["last_error"].empty()) line += "    " + one["last_error"] + "\n";
  return line;
}

/// What the log has found of damage since it was opened; nothing if there was none.
std::string damage_line(std::map<std::string, std::string>& wal) {
  constexpr std::pair<const char*, const char*> kinds[] = {
      {"crc_failures", "wrong CRC"},
      {"integrity_failures", "wrong or missing HMAC"},
      {"sentinel_failures", "no sentinel"},
      {"undecodable_lines", "undecodable"},
      {"torn_lines", "torn"},
      {"malformed_lines", "malformed"}};
  std::string found;
  for (const auto& [key, word] : kinds)
    if (wal[key] != "0") found += (found.empty() ? "" : ", ") + wal[key] + " " + word;
  if (found.empty()) return "";
  return "  damaged lines: " + found + "; " + wal["quarantined_lines"] +
         " copied to the quarantine. `nexus wal verify` shows them\n";
}

/// What waits for destinations that are not configured.
std::string unclaimed_lines(std::string_view by_destination) {
  std::string text;
  json::members all(by_destination);
  while (const auto* one = all.next())
    text += "  " + std::string(one->value) + " wait for " + printable(json::unquote(one->key)) +
            ", which is not configured\n";
  return text;
}

std::string for_people(std::string_view body, const std::string& address) {
  auto top = members_of(body);
  auto wal = members_of(top["wal"]);
  std::string out = "running: version " + top["version"] + ", process " + top["pid"] + ", " +
                    address + ", for " + top["uptime_seconds"] + " s\n";
  out += "log: " + wal["pending_entries"] + " pending, " + wal["dead_letters"] + " dead letters, " +
         (wal["healthy"] == "true" ? "healthy" : "NOT HEALTHY: " + wal["error"]) + "\n";
  out += damage_line(wal);
  if (wal["dead_letters"] != "0") out += "  `nexus dlq list` shows the dead letters\n";
  out += "destinations:\n";
  json::members destinations(top["destinations"]);
  while (const auto* one = destinations.next()) out += destination_line(one->value);
  if (!wal["unclaimed"].empty()) out += unclaimed_lines(wal["unclaimed"]);
  return out;
}

int say_not_running(bool as_json) {
  print(as_json ? "{\"running\":false}\n" : "not running\n");
  return 0;
}

}  // namespace

int command_status(const status_options& how, const destinations::registry& types) {
  const auto home = home_directory(how.home);
  if (!home) return fail(home.reason());
  const auto loaded = load_beside_server(*home, types);
  if (!loaded) return fail(loaded.reason());
  const auto server = find_running(*home);
  if (!server) return say_not_running(how.json);
  const auto client = connect(*server, loaded->settings.tls, std::chrono::seconds(5));
  if (!client) return fail(client.reason());
  const std::string token(loaded->settings.admin_token.reveal());
  const auto answer = (*client)->send({"GET", "/api/status", token, {}, ""});
  if (!answer) {
    fail(answer.reason());
    return say_not_running(how.json);
  }
  if (answer->status != 200 || !json::validate(answer->body) ||
      json::kind_of(answer->body) != json::kind::object) {
    return fail("GET /api/status was answered with " + std::to_string(answer->status) +
                (answer->status == 401 ? ": the admin token was changed since the start" : ""));
  }
  print(how.json ? answer->body
                 : for_people(answer->body, address_text(server->host, server->port)));
  return 0;
}

}  // namespace nexus::cli
