#include "actors/destination_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "actors/probe.hpp"

namespace nexus::actors {
namespace {

/// `all`: a list of destinations; null if there is none of that name.
template <class List>
auto* find_in(List& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& one) { return one.settings.name == name; });
  return found == all.end() ? nullptr : &*found;
}

/// What the queue itself makes no use of, or is told of while it runs, does not count.
bool needs_another_queue(destination_options now, const destination_options& next) {
  now.paused = next.paused;
  now.required = next.required;
  return now != next;
}

}  // namespace

core::result<void> check(const std::vector<destination_options>& destinations) {
  std::set<std::string> names;
  for (const auto& how : destinations) {
    if (how.workers == 0 || how.batch_entries_max == 0 || how.window_entries_max == 0 ||
        how.window_bytes_max == 0) {
      return core::error{core::errc::bad_config,
                         fmt::format("destination {}: workers, batch and window must be at least 1",
                                     how.settings.name)};
    }
    if (!names.insert(how.settings.name).second) {
      return core::error{core::errc::bad_config,
                         fmt::format("there are two destinations {}", how.settings.name)};
    }
  }
  return {};
}

core::result<void> check_required(const std::vector<destination_options>& destinations,
                                  const destinations::registry& types, const core::logger_ptr& log,
                                  const std::function<bool()>& is_cancelled) {
  for (const auto& how : destinations) {
    if (!how.required) continue;
    auto tested = how.fault.empty() ? probe(how.settings, types, log).ping(is_cancelled)
                                    : core::error{core::errc::bad_config, how.fault};
    if (tested.ok() || tested.reason().code == core::errc::unsupported) continue;
    if (tested.reason().code == core::errc::closed) return tested;
    return core::error{core::errc::bad_config,
                       fmt::format("destination {}, which is required: {}", how.settings.name,
                                   tested.reason().text)};
  }
  return {};
}

bool nameless_wait(const wal::log& log) {
  const auto waiting = log.backlogs();
  return std::any_of(waiting.begin(), waiting.end(),
                     [](const auto& one) { return one.destination.empty(); });
}

void add_heir(std::vector<destination_options>& destinations) {
  if (destinations.empty() || find_in(destinations, "") != nullptr) return;
  auto heir = destinations.front();
  heir.settings.name.clear();
  destinations.push_back(std::move(heir));
}

destination_options* destination_plan::find(const std::string& name) {
  return find_in(next, name);
}

std::vector<destination_options> destination_plan::fresh() const {
  std::vector<destination_options> all;
  for (const auto* names : {&added, &changed})
    for (const auto& name : *names) all.push_back(*find_in(next, name));
  return all;
}

destination_plan plan_change(const std::vector<destination_options>& now,
                             std::vector<destination_options> next, const wal::log& log) {
  destination_plan plan;
  plan.next = std::move(next);
  for (auto& one : plan.next)
    if (const auto* before = find_in(now, one.settings.name)) one.paused = before->paused;
  if (nameless_wait(log) || find_in(now, "") != nullptr) add_heir(plan.next);
  for (const auto& one : plan.next) {
    const auto* before = find_in(now, one.settings.name);
    if (before == nullptr) {
      plan.added.push_back(one.settings.name);
    } else if (needs_another_queue(*before, one)) {
      plan.changed.push_back(one.settings.name);
    }
  }
  for (const auto& one : now)
    if (find_in(plan.next, one.settings.name) == nullptr) plan.removed.push_back(one.settings.name);
  return plan;
}

}  // namespace nexus::actors
