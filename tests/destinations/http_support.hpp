// What the tests of the HTTP destinations share.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "destinations/http.hpp"
#include "tests/support/http_receiver.hpp"

namespace nexus::test {

inline core::entry_ptr entry_with(const std::string& payload_id, const std::string& payload) {
  auto entry = std::make_shared<core::entry>();
  entry->payload_id = payload_id;
  entry->source = "src";
  entry->destination = "hook";
  entry->subject = "ann";
  entry->payload = payload;
  return entry;
}

/// An entry for which the receiver does `words`; empty: it says 200.
inline core::entry_ptr entry_that(const std::string& payload_id, const std::string& words = {}) {
  return entry_with(payload_id, R"({"do":")" + words + R"("})");
}

inline std::unique_ptr<destinations::destination> made(const destinations::http_options& options) {
  auto made = destinations::make_http(options);
  if (!made) throw std::runtime_error(made.reason().text);
  return *std::move(made);
}

/// A destination at that URL with everything else as it is by default.
inline std::unique_ptr<destinations::destination> made_for(const std::string& url) {
  destinations::http_options options;
  options.url = url;
  return made(options);
}

inline destinations::outcome deliver_one(destinations::destination& to,
                                         const core::entry_ptr& entry) {
  const std::vector<core::entry_ptr> batch{entry};
  return to.deliver(batch).at(0);
}

}  // namespace nexus::test
