// A fixed little run of a server, which writes through every part of it: replay of what a killed
// server left, single writes and a batch, rotation, delivery to a database and a file, settling.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/proof/writes.hpp"

namespace nexus::proof {

struct workload_options {
  /// Contents of 300 KiB, so that segments of 1 MiB, and the destination's files, are rotated.
  bool large = true;
  /// Segments go as soon as they may, and with them the keys of the requests in them.
  bool removes_segments = false;
};

/// What came of the requests.
struct answers {
  std::vector<write_request> refused;  ///< wholly or partly, with 5xx
  std::vector<write_request> lost;     ///< no answer came
};

/// A home with the destinations "sqlite" and "lines", which get every entry.
class workload : public test::server_home {
 public:
  explicit workload(const workload_options& how);

  std::string lines() const { return path() + "/lines/out.jsonl"; }
  const cli::ledger& book() const { return book_; }

  /// What was promised before.
  void remember(cli::ledger book) { book_.merge(std::move(book)); }

  /// Fills the log with entries that wait: its server is killed before it can deliver any.
  void leave_pending();
  /// The requests of the run; each call makes new ones.
  std::vector<write_request> requests(const std::string& label) const;
  /// Sends them, and keeps the book. Fails the test where an answer is neither 200 nor 5xx.
  answers send(const cli::child_server& server, const std::vector<write_request>& all);
  /// Every content that was acknowledged is in both destinations, once and as it was sent.
  void judge() const;

 private:
  const workload_options how_;
  cli::ledger book_;
};

}  // namespace nexus::proof
