// Clients that outlive the servers they write to: what was not answered they send again, under the
// same idempotency key, to the next one. Now and then they also send again what was answered.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cli/child_server.hpp"
#include "tests/proof/writes.hpp"

namespace nexus::proof {

class clients {
 public:
  explicit clients(std::uint64_t seed) : random_(seed) {}
  ~clients();
  clients(const clients&) = delete;
  clients& operator=(const clients&) = delete;

  /// Has `count` of them write to this server until their connections break or they are to finish.
  void begin(const cli::child_server& server, std::size_t count);
  /// Waits until `accepted` more requests are accepted; false if all clients ended before, or
  /// after a minute.
  bool wait_for(std::size_t accepted);
  /// Waits until one more is refused with this code; otherwise as wait_for.
  bool wait_for_refusal(const std::string& code);
  /// Waits until every client has ended by itself.
  void wait_for_end();
  /// Has them end after the request that they are in, and waits for them.
  void finish();

  /// Sends again what was not answered, or refused. False if anything of it is still not accepted.
  bool settle(const cli::child_server& server);

  // While none of them runs:
  const cli::ledger& book() const { return book_; }
  /// What should never be: answers that nobody should get, and ids that do not fit.
  const std::vector<std::string>& complaints() const { return complaints_; }
  /// Refused requests, by the code of their error.
  const std::map<std::string, std::uint64_t>& refused() const { return refused_; }
  /// How many requests were sent again after they had been accepted.
  std::uint64_t repeated() const { return repeated_; }
  /// Payload ids of requests that were accepted only after they had been sent before, with the
  /// number of that attempt, which is the entries' actor_id.
  const std::map<std::string, std::string>& accepted_late() const { return accepted_late_; }

 private:
  struct open_request {
    write_request what;
    unsigned attempts = 0;
    bool was_accepted = false;  ///< and is sent again all the same
  };

  void run_client(std::string host, std::uint16_t port);
  open_request next_request();
  open_request new_request();
  /// False: the connection is broken.
  bool send(cli::http_client& client, open_request& one);
  void keep(const open_request& one, const write_outcome& outcome);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::mt19937_64 random_;
  cli::ledger book_;
  std::vector<open_request> open_;      ///< sent, and not accepted
  std::vector<open_request> accepted_;  ///< the latest of them, to be sent again
  std::vector<std::string> complaints_;
  std::map<std::string, std::string> accepted_late_;
  std::map<std::string, std::uint64_t> refused_;
  std::uint64_t made_ = 0, repeated_ = 0, accepted_count_ = 0;
  std::size_t running_ = 0;
  std::atomic<bool> finishing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace nexus::proof
