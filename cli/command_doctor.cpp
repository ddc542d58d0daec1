// `nexus doctor`: checks that take their time.
#include <chrono>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "actors/probe.hpp"
#include "cli/commands.hpp"
#include "cli/consistency.hpp"
#include "cli/home.hpp"
#include "cli/log_place.hpp"
#include "cli/output.hpp"
#include "cli/server_api.hpp"
#include "cli/table.hpp"
#include "cli/wire.hpp"
#include "config/loader.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "core/log.hpp"
#include "ingest/consistency.hpp"
#include "wal/log.hpp"

namespace nexus::cli {
namespace {

namespace json = core::json;

/// The server says nothing until everything was looked up.
constexpr std::chrono::hours patience{24};

ingest::consistency_choice choice_of(const doctor_options& how) {
  return {how.sample, how.all, how.destination, how.redeliver};
}

std::string request_body(const doctor_options& how) {
  std::string out;
  core::json_object object(out);
  if (how.all)
    object.boolean("all", true);
  else
    object.number("sample", how.sample);
  if (!how.destination.empty()) object.text("destination", how.destination);
  if (how.redeliver) object.boolean("redeliver", true);
  object.end();
  return out;
}

/// Destinations outside of a pipeline.
class lone_destinations {
 public:
  lone_destinations(const config::config& settings, const destinations::registry& types) {
    const auto log = core::make_null_logger();
    for (const auto& one : settings.destinations) {
      if (one.fault.empty())
        sound_.try_emplace(one.name, to_settings(one), types, log);
      else
        faults_.emplace(one.name, one.fault);
    }
  }

  core::result<std::vector<bool>> exists(const std::string& name, std::vector<std::string> ids) {
    const auto faulty = faults_.find(name);
    if (faulty != faults_.end()) return core::error{core::errc::bad_config, faulty->second};
    return sound_.at(name).exists(std::move(ids));
  }

 private:
  std::map<std::string, actors::probe> sound_;
  std::map<std::string, std::string> faults_;
};

core::result<std::string> check_here(wal::log& log, const config::config& settings,
                                     const doctor_options& how,
                                     const destinations::registry& types) {
  lone_destinations targets(settings, types);
  consistency_source from;
  for (const auto& one : settings.destinations) from.destinations.push_back(one.name);
  from.delivered_entries = [&](const auto& fn) { return log.delivered_entries(fn); };
  from.sample_delivered = [&](std::size_t count) { return log.sample_delivered(count); };
  from.exists = [&](const std::string& name, std::vector<std::string> ids) {
    return targets.exists(name, std::move(ids));
  };
  from.redeliver = [&](std::span<const core::entry> entries) { return log.redeliver(entries); };
  const auto report = check_consistency(from, choice_of(how), std::stop_token());
  const auto closed = log.close();
  if (!report) return report.reason();
  if (!closed) return closed.reason();
  std::string body;
  ingest::append_json(body, *report);
  return body + "\n";
}

std::string missing_text(std::map<std::string, std::string>& one) {
  if (one["missing_total"] == "0") return "";
  std::string text = "missing in " + printable(one["name"]) + ":\n";
  std::uint64_t shown = 0;
  json::members ids(one["missing"]);
  while (const auto* id = ids.next()) {
    text += "  " + printable(json::unquote(id->value)) + "\n";
    ++shown;
  }
  const auto total = std::stoull(one["missing_total"]);
  if (total > shown) text += fmt::format("  and {} more\n", total - shown);
  return text;
}

struct findings {
  std::string text;
  std::uint64_t looked_up = 0;
  bool any_missing = false;
  bool any_skipped = false;
};

findings findings_of(const std::string& body, bool by_server) {
  using align = table::align;
  auto top = members_of(body);
  findings out;
  table rows({{"destination"},
              {"looked up", align::right},
              {"found", align::right},
              {"missing", align::right},
              {"score", align::right}});
  std::string details;
  json::members all(top["destinations"]);
  while (const auto* element = all.next()) {
    auto one = members_of(element->value);
    rows.add({one["name"], one["looked_up"], one["found"], one["missing_total"],
              one["looked_up"] == "0" ? "-" : fmt::format("{:.4f}", std::stod(one["score"]))});
    out.looked_up += std::stoull(one["looked_up"]);
    out.any_missing = out.any_missing || one["missing_total"] != "0";
    out.any_skipped = out.any_skipped || !one["skipped"].empty();
    details += missing_text(one);
    if (!one["skipped"].empty())
      details += printable(one["name"]) + " was left out: " + printable(one["skipped"]) + "\n";
  }
  out.text = rows.text() + details;
  out.text += out.looked_up == 0 ? "nothing was looked up\n"
                                 : fmt::format("score {:.4f}\n", std::stod(top["score"]));
  if (top["redelivered"] != "0")
    out.text += count_text(std::stoull(top["redelivered"]), "entry is ", "entries are ") +
                (by_server ? "pending again, for the running server to deliver\n"
                           : "pending again, for delivery after the next start\n");
  return out;
}

int report(const std::string& body, const doctor_options& how, bool by_server) {
  const auto found = findings_of(body, by_server);
  const bool is_well = !found.any_missing && (found.looked_up > 0 || !found.any_skipped);
  return answer(how.json ? body : found.text, is_well ? 0 : 1);
}

}  // namespace

int command_doctor(const doctor_options& how, const destinations::registry& types) {
  if (!how.consistency)
    return fail(
        "what is to be checked? `nexus doctor --consistency` looks up delivered entries in their "
        "destinations: a sample of 100, or --sample N, or --all; --destination NAME for one of "
        "them. --redeliver delivers what is missing once more");
  log_options which;
  which.home = how.home;
  const auto place = find_log_to_change(which, types);
  if (!place) return fail(place.reason());
  // The lock says who has the log: nobody, then it is read here, or the home's server.
  auto log = wal::log::open(place->how);
  if (log) {
    const auto loaded = config::load(place->home, type_table(types));
    if (!loaded) return fail(loaded.reason());
    const auto body = check_here(**log, loaded->settings, how, types);
    return body ? report(*body, how, false) : fail(body.reason());
  }
  const bool is_locked = log.reason().code == core::errc::locked;
  const auto server = is_locked ? find_running(place->home) : std::nullopt;
  if (!server) return fail_to_open(*place, log.reason(), "doctor --consistency");
  const auto body =
      ask_server(*server, place->access, "POST", "/api/consistency", request_body(how), patience);
  return body ? report(*body, how, true) : fail(body.reason());
}

}  // namespace nexus::cli
