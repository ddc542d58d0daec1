// What JetStream says to a published message, and what follows from it.
// docs/destinations/jetstream.md has the table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "destinations/destination.hpp"

namespace nexus::destinations {

/// The number behind an error of JetStream's API ("err_code"), of those that we tell apart. Newer
/// servers send more than an older client library has names for.
enum jetstream_code : std::uint32_t {
  resources_exceeded = 10002,
  no_suitable_peers = 10005,
  system_unavailable = 10008,
  not_leader = 10009,
  insufficient_resources = 10023,
  streams_limit = 10027,
  memory_exceeded = 10028,
  not_enabled_for_account = 10039,
  storage_exceeded = 10047,
  message_too_large = 10054,
  stream_not_found = 10059,
  stream_not_match = 10060,
  not_enabled = 10076,
  store_failed = 10077,
  stream_sealed = 10109,
  stream_offline = 10118,
  duplicate_in_process = 10158,
  too_many_requests = 10167,
};

/// The outcome for an entry after an error. Never `delivered`.
outcome outcome_of_error(std::uint32_t code, std::uint32_t http_code, std::string_view text);

/// Reads the answer to a published message. Nothing: it says neither yes nor no, send the message
/// again: the stream has no leader, or a message with the same id is on its way but not stored yet.
///
/// Replicated streams of older servers answer `duplicate` with sequence 0 to such a
/// message. That is no acknowledgement: after a change of the leader the first one may be lost.
std::optional<outcome> read_answer(std::string_view json, std::string_view stream);

}  // namespace nexus::destinations
