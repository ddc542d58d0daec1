// Delivering a batch over HTTP, one request for each entry.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <vector>

#include "core/entry.hpp"
#include "core/result.hpp"
#include "destinations/destination.hpp"
#include "destinations/http_multi.hpp"

namespace nexus::destinations {

/// How a type puts an entry into a request, and what it makes of the reply.
struct http_dialect {
  /// Called just before the entry is sent. An error is about the entry, and permanent.
  std::function<core::result<http_request>(const core::entry&)> make;
  std::function<outcome(const http_reply&)> judge;
};

/// One outcome for each entry. The first one that is about the server (`unreachable`,
/// `config_fault`) ends the sending: requests under way are waited for, the remaining entries get
/// the same outcome unsent. Entries for which the time does not suffice are `unreachable`. An entry
/// that gets no answer in time while one that was sent later is delivered is `transient`: the
/// server works, so it is about this entry.
std::vector<outcome> deliver_each(http_multi& connections, std::chrono::milliseconds timeout,
                                  std::span<const core::entry_ptr> batch,
                                  const http_dialect& dialect);

/// The reply to a single request.
http_reply ask(http_multi& connections, std::chrono::milliseconds timeout, http_request request);

}  // namespace nexus::destinations
