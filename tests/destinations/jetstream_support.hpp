// Entries and settings for the tests of the JetStream destination.
#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "destinations/jetstream.hpp"
#include "tests/support/nats_cluster.hpp"

namespace nexus::test {

inline std::shared_ptr<core::entry> make_entry(const std::string& payload_id) {
  auto entry = std::make_shared<core::entry>();
  entry->payload_id = payload_id;
  entry->source = "main";
  entry->destination = "events";
  entry->subject = "chat";
  entry->actor_type = "user";
  entry->timestamp = "2026-01-01T00:00:00Z";
  entry->payload = R"({"payload_id":")" + payload_id + R"(","content":"hello"})";
  return entry;
}

inline std::vector<core::entry_ptr> make_entries(const std::string& prefix, std::size_t count) {
  std::vector<core::entry_ptr> entries;
  for (std::size_t i = 0; i < count; ++i) {
    entries.push_back(make_entry(prefix + std::to_string(i)));
  }
  return entries;
}

/// The settings of a destination "events" for stream "S", as a config file's would come.
inline destinations::settings events_settings(const std::string& urls) {
  destinations::settings set;
  set.name = "events";
  set.type = "jetstream";
  for (const auto& key : destinations::jetstream_type().schema.keys) {
    if (!key.fallback.empty()) set.values[key.name] = key.fallback;
  }
  set.values["url"] = urls;
  set.values["stream"] = "S";
  return set;
}

inline std::unique_ptr<destinations::destination> make_events(const destinations::settings& set) {
  auto made = destinations::jetstream_type().make(set);
  if (!made) throw std::runtime_error(made.reason().text);
  return *std::move(made);
}

}  // namespace nexus::test
