// Clients that write as fast as they can, a book of what they were promised, and the comparison
// with what was stored.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/result.hpp"

namespace nexus::cli {

/// What was sent, and what was acknowledged with 200.
struct ledger {
  std::unordered_map<std::string, std::string> acknowledged;  ///< payload id -> content
  std::unordered_set<std::string> sent;                       ///< contents; no two are equal
  std::uint64_t refused = 0;                                  ///< answers other than 200

  void merge(ledger other);
};

struct load_options {
  std::string host;
  std::uint16_t port = 0;
  std::string source;
  std::string api_key;
  std::size_t clients = 8;
  std::string label;  ///< begins every content; keeps those of two loads apart
};

/// Each client has a thread and a kept-alive connection. It goes on until its connection breaks or
/// `finish` is called.
class load {
 public:
  explicit load(load_options how);
  ~load();
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  /// Waits until that many entries are acknowledged; false if all clients ended before.
  bool wait_for(std::size_t acknowledged);
  /// Has the clients end after the request that they are in, and waits for them. Call it once.
  ledger finish();

 private:
  void run_client(std::size_t number);
  bool write_one(class http_client& connection, std::size_t client, std::size_t sequence);

  const load_options how_;
  std::mutex mutex_;
  std::condition_variable changed_;
  ledger book_;
  std::size_t running_ = 0;
  std::atomic<bool> finishing_ = false;
  std::vector<std::thread> threads_;
};

/// Asks GET /api/status again and again until nothing is pending. Error `unreachable`: the server
/// does not answer, or entries are still pending after `timeout`.
core::result<void> wait_until_delivered(const std::string& host, std::uint16_t port,
                                        const std::string& admin_token,
                                        std::chrono::seconds timeout);

/// A row of the SQLite destination.
struct stored_row {
  std::string payload_id;
  std::string content;
};

/// All rows of the database file. Error: SQLite's own words.
core::result<std::vector<stored_row>> read_rows(const std::string& path);

/// What a comparison of promises and rows found.
struct proof {
  std::uint64_t acknowledged = 0;
  std::uint64_t once = 0;        ///< acknowledged, and stored exactly once as sent
  std::uint64_t missing = 0;     ///< acknowledged, but not stored
  std::uint64_t repeated = 0;    ///< contents stored more than once
  std::uint64_t changed = 0;     ///< acknowledged, but stored with another content
  std::uint64_t unknown = 0;     ///< stored, but never sent
  std::uint64_t unanswered = 0;  ///< sent, but not acknowledged
  std::uint64_t survived = 0;    ///< of those: stored

  /// Every promise was kept, and nothing was made up.
  bool holds() const {
    return once == acknowledged && missing == 0 && repeated == 0 && changed == 0 && unknown == 0;
  }
};

proof compare(const ledger& book, const std::vector<stored_row>& rows);

}  // namespace nexus::cli
