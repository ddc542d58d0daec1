// OTLP log records as plain JSON: what a source's mapping reads of them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace nexus::ingest {

/// Of one request.
struct log_limits {
  std::size_t records = 0;
  std::size_t bytes = 0;  ///< of all objects together
};

using log_record_fn = std::function<void(core::result<std::string>)>;

/// Takes a validated ExportLogsServiceRequest in JSON apart, and hands on an object for each log
/// record, in order. Members that would be empty are left out:
///   {"time":"2018-12-13T14:51:00Z","observed_time":…,"severity_number":10,"severity_text":"…",
///   "event_name":"…","body":…,"attributes":{…},"resource":{…},"scope":{"name":"…","version":"…",
///   "attributes":{…}},"trace_id":"…","span_id":"…","flags":1,"dropped_attributes_count":1,
///   "resource_schema_url":"…","schema_url":"…"}
/// `body` and the values of attributes are plain JSON: {"stringValue":"x"} is "x", {"intValue":"5"}
/// is 5, bytes are Base64, lists are arrays and maps are objects. Unknown members are passed over.
/// A record that is not what it should be is handed on as an error, and the next one follows.
/// Returns an error for what is no such request. Every object holds all of its resource and its
/// scope, so a short request may make long ones: ends with `too_large` before one more record, or
/// one more byte, than the limits allow is handed on.
core::result<void> for_each_log_record(std::string_view request, const log_limits& limits,
                                       const log_record_fn& take);

}  // namespace nexus::ingest
