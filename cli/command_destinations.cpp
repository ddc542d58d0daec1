// `nexus destinations`: where entries go.
#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/destination_check.hpp"
#include "cli/home.hpp"
#include "cli/output.hpp"
#include "cli/paused.hpp"
#include "cli/server_api.hpp"
#include "cli/table.hpp"
#include "core/file.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "ingest/url.hpp"

namespace nexus::cli {
namespace {

namespace json = core::json;

/// A destination that hangs is not waited for here.
constexpr std::chrono::seconds patience{30};

struct context {
  std::string home;
  config::config settings;
  std::optional<running_server> server;
};

core::result<context> look_around(const destinations_options& how,
                                  const destinations::registry& types) {
  auto home = home_directory(how.home);
  if (!home) return home.reason();
  auto loaded = load_beside_server(*home, types);
  if (!loaded) return loaded.reason();
  auto server = find_running(*home);
  return context{*std::move(home), std::move(loaded->settings), std::move(server)};
}

std::string seconds_text(const std::string& number) {
  return number == "0" ? "-" : number.substr(0, number.find('.')) + " s";
}

std::string table_of_server(std::string_view body) {
  using align = table::align;
  table rows({{"name"},
              {"type"},
              {"state"},
              {"breaker"},
              {"pending", align::right},
              {"oldest", align::right},
              {"attempts", align::right},
              {"delivered", align::right},
              {"failed", align::right},
              {"last error"}});
  json::members all(body);
  while (const auto* element = all.next()) {
    auto one = members_of(element->value);
    rows.add({one["name"], one["type"], one["state"], one["breaker"], one["pending"],
              seconds_text(one["oldest_pending_seconds"]), one["attempts"], one["delivered"],
              one["failed"], one["last_error"].empty() ? "-" : one["last_error"]});
  }
  return rows.text();
}

std::string json_of_config(const config::config& settings, const name_set& paused) {
  std::string out = "[";
  for (const auto& one : settings.destinations) {
    if (out.back() != '[') out += ',';
    core::json_object(out)
        .text("fault", one.fault)
        .text("name", one.name)
        .boolean("paused", paused.contains(one.name))
        .text("type", one.type)
        .end();
  }
  return out + "]\n";
}

std::string table_of_config(const config::config& settings, const name_set& paused) {
  table rows({{"name"}, {"type"}, {"state"}, {"fault"}});
  for (const auto& one : settings.destinations) {
    const std::string state = paused.contains(one.name) ? "paused" : "not running";
    const std::string fault = one.fault.substr(0, one.fault.find('\n'));
    rows.add({one.name, one.type, state, fault.empty() ? "-" : fault});
  }
  return rows.text() + "the server is not running\n";
}

const config::destination_config* find(const config::config& settings, const std::string& name) {
  const auto& all = settings.destinations;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

int fail_unknown(const config::config& settings, const std::string& name) {
  std::string names;
  for (const auto& one : settings.destinations) names += (names.empty() ? "" : ", ") + one.name;
  return fail("there is no destination " + printable(name) + "; there are: " + names);
}

int switch_destination(const destinations_options& how, const destinations::registry& types,
                       bool pauses) {
  const auto here = look_around(how, types);
  if (!here) return fail(here.reason());
  const std::string& name = how.names.front();
  const char* verb = pauses ? "pause" : "resume";
  if (here->server) {
    const auto answer =
        ask_server(*here->server, access_to(here->settings), "POST",
                   "/api/destinations/" + ingest::encode_segment(name) + "/" + verb, "", patience);
    if (!answer && answer.reason().code == core::errc::not_found)
      return fail_unknown(here->settings, name);
    if (!answer) return fail(answer.reason());
    print(name + " is " + members_of(*answer)["state"] + "\n");
    return 0;
  }
  // One that was taken out of the configuration may still be in the file.
  if (pauses && find(here->settings, name) == nullptr) return fail_unknown(here->settings, name);
  if (auto noted = write_paused(core::posix_files(), here->home, name, pauses); !noted)
    return fail(noted.reason());
  print(name + (pauses ? " is paused" : " is not paused") +
        " from the next start on; the server is not running\n");
  return 0;
}

/// Findings stand on lines of their own.
std::string verdict_text(const destination_verdict& one) {
  std::string text = one.which.name + " (" + one.which.type + "): ";
  if (one.outcome) return text + "ok\n";
  for (const char c : one.outcome.reason().text) {
    text += c;
    if (c == '\n') text += "  ";
  }
  return text + "\n";
}

}  // namespace

int command_destinations_list(const destinations_options& how,
                              const destinations::registry& types) {
  const auto here = look_around(how, types);
  if (!here) return fail(here.reason());
  if (!here->server) {
    const auto paused = read_paused(core::posix_files(), here->home);
    if (!paused) return fail(paused.reason());
    return answer(how.json ? json_of_config(here->settings, *paused)
                           : table_of_config(here->settings, *paused));
  }
  const auto body = ask_server(*here->server, access_to(here->settings), "GET", "/api/destinations",
                               "", patience);
  if (!body) return fail(body.reason());
  return answer(how.json ? *body : table_of_server(*body));
}

int command_destinations_pause(const destinations_options& how,
                               const destinations::registry& types) {
  return switch_destination(how, types, true);
}

int command_destinations_resume(const destinations_options& how,
                                const destinations::registry& types) {
  return switch_destination(how, types, false);
}

int command_destinations_test(const destinations_options& how,
                              const destinations::registry& types) {
  const auto here = look_around(how, types);
  if (!here) return fail(here.reason());
  std::vector<config::destination_config> chosen;
  for (const auto& name : how.names) {
    const auto* one = find(here->settings, name);
    if (one == nullptr) return fail_unknown(here->settings, name);
    chosen.push_back(*one);
  }
  if (how.names.empty()) chosen = here->settings.destinations;
  bool all_well = true;
  for (const auto& one : test_destinations(chosen, types)) {
    print(verdict_text(one));
    all_well = all_well && one.outcome.ok();
  }
  return all_well ? 0 : 1;
}

}  // namespace nexus::cli
