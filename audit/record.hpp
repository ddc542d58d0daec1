// A record of the interaction log: who asked for what, and what was decided. docs/audit.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "core/timestamp.hpp"

namespace nexus::audit {

/// One request and its answer. It never holds a token, a key or a payload.
struct record {
  std::string record_id;  ///< 32 hex digits; the log fills it in
  core::time_point timestamp{};
  std::string request_id;
  std::string operation;  ///< "write", "query" or "admin"
  std::string endpoint;   ///< method and path as they are registered: "POST /inbound/{source}"
  std::string source;     ///< "_admin" for the administrator
  std::string actor_type;
  std::string actor_id;
  std::string subject;
  std::string destination;      ///< several: with a comma between them
  std::string payload_id;       ///< of what a write stored
  std::string policy_decision;  ///< "ALLOWED", or "DENIED" by rights, policy or rate limit
  std::string reason;           ///< the code of the error that it was answered with
  std::int64_t status_code = 0;
  double latency_ms = 0;  ///< from the whole request to its answer
  std::string ip;
};

/// Which records; what is empty does not count.
struct filter {
  std::string source;
  std::string actor_type;
  std::string actor_id;
  std::string operation;
  std::string policy_decision;
  std::string subject;
  std::string destination;
  std::optional<core::time_point> after;   ///< later than this
  std::optional<core::time_point> before;  ///< earlier than this

  bool fits(const record& one) const;
};

struct page {
  std::vector<record> records;  ///< newest first
  std::uint64_t total = 0;      ///< all that fit
};

using name_counts = std::vector<std::pair<std::string, std::uint64_t>>;

struct statistics {
  std::uint64_t total = 0;
  std::uint64_t denied = 0;
  core::time_point first{};  ///< of the records, if there are any
  core::time_point last{};
  name_counts sources;  ///< the ten with the most records, most first
  name_counts actors;   ///< by actor id
  name_counts operations;
  name_counts decisions;
};

/// A JSON object, keys in the order of the members; all of them are always there.
void append_json(std::string& out, const record& one);

/// Error `corrupt`: it is no record. Nothing: it is a line of another kind, such as a rotation's
/// marker.
core::result<std::optional<record>> parse_record(std::string_view json);

/// The names of the columns, and a record's row; CR and LF at the end (RFC 4180).
std::string csv_header();
void append_csv(std::string& out, const record& one);

}  // namespace nexus::audit
