// A connection to a destination actor of another process.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actors/networking.hpp"
#include "core/entry.hpp"
#include "core/result.hpp"
#include "destinations/destination.hpp"

namespace nexus::actors {

/// Where a destination was published (publish_destination.hpp), and what it takes to get in.
struct remote_address {
  std::string host;
  std::uint16_t port = 0;
  std::string secret;
  tls_files tls;
};

/// It has an actor system of its own, because CAF keeps TLS files for a whole system, connects to
/// one host at a time in it, and never closes a connection that has merely gone silent; this one is
/// closed by its destructor. Calls block until `deadline` at most, and are made on the thread that
/// also makes and destroys it (CAF's logger insists).
class remote_connection {
 public:
  using clock = std::chrono::steady_clock;

  /// Errors: `unreachable`; `bad_config` if the other side is no destination, or its secret is not
  /// ours.
  static core::result<std::unique_ptr<remote_connection>> open(const remote_address& to,
                                                               clock::time_point deadline);
  ~remote_connection();
  remote_connection(const remote_connection&) = delete;
  remote_connection& operator=(const remote_connection&) = delete;

  /// Errors: those of the destination actor, and `unreachable` if the connection is lost or nothing
  /// is heard in time; the latter two leave it lost().
  core::result<std::vector<destinations::outcome>> deliver(std::vector<core::entry_ptr> entries,
                                                           clock::time_point deadline);
  core::result<void> ping(clock::time_point deadline);
  core::result<std::vector<bool>> exists(std::vector<std::string> payload_ids,
                                         clock::time_point deadline);

  /// No answer can be relied on any more: destroy it.
  bool lost() const noexcept;

 private:
  class impl;
  explicit remote_connection(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace nexus::actors
