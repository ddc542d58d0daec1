// A home whose every entry goes to five destinations, each of another kind: a SQLite file, a
// PostgreSQL table, an HTTP receiver, a JetStream stream and a file of JSON lines.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/support/nats_cluster.hpp"
#include "tests/support/postgres_server.hpp"

namespace nexus::test {

class five_destinations : public server_home {
 public:
  five_destinations();

  /// Changes settings of every destination, for a reload to find.
  void change_settings(unsigned round) const;

  /// What each destination has, by its name. The HTTP receiver is promised every entry at least
  /// once: what came again under its Idempotency-Key with the same bytes counts as one.
  std::map<std::string, std::vector<cli::stored_row>> stored();

  /// For each payload id the actor_id that was stored with it.
  std::map<std::string, std::string> actors() const;

  /// Requests that the receiver got a second time.
  std::size_t received_again() const { return received_again_; }

 private:
  void write_destinations(unsigned batch_size) const;
  std::string lines() const { return path() + "/lines/out.jsonl"; }
  std::vector<cli::stored_row> rows_of_table() const;
  std::vector<cli::stored_row> rows_of_stream();
  std::vector<cli::stored_row> rows_of_receiver();

  postgres_server postgres_;
  nats_cluster nats_;
  http_receiver receiver_;
  std::map<std::string, std::string> bodies_;  ///< that the receiver got, by Idempotency-Key
  std::size_t received_again_ = 0;
};

}  // namespace nexus::test
