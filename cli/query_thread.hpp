// Reads back from the stores behind the destinations, on one thread of its own: readers block.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cli/job_thread.hpp"
#include "core/log.hpp"
#include "destinations/registry.hpp"
#include "ingest/ports.hpp"

namespace nexus::cli {

/// Takes queries from any thread.
class query_thread {
 public:
  /// Queries that wait; one more is refused.
  static constexpr std::size_t queries_max = 256;

  /// Destinations whose type cannot be read back are left out. `types` must outlive this object.
  query_thread(const std::vector<destinations::settings>& readable,
               const destinations::registry& types, core::logger_ptr log);
  query_thread(const query_thread&) = delete;
  query_thread& operator=(const query_thread&) = delete;

  /// The same with another list; those that have not changed keep their connection. Any thread.
  void replace(const std::vector<destinations::settings>& readable);

  /// Answers on the thread, or at once with `not_found` (no such destination, or it cannot be read
  /// back), `overloaded` or `closed`. Other errors are those of the reader.
  void find(destinations::query what, ingest::query_done done);

  /// Rows in all stores together, as counted last. Asking has them counted again, but never so
  /// often that counting takes more than about a hundredth of the thread's time.
  std::uint64_t rows();

  /// Answers what waits with `closed` and ends the thread.
  void stop();

 private:
  using clock = std::chrono::steady_clock;

  struct source {
    destinations::settings how;
    const destinations::type_info* type = nullptr;
    std::unique_ptr<destinations::reader> reader;  ///< made by the first query; the thread's own
  };

  core::result<destinations::reader*> reader_of(source& from);
  core::result<destinations::query_page> find_now(source& from, const destinations::query& what);
  void count_rows();

  const destinations::registry& types_;
  core::logger_ptr log_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<source>> sources_;
  std::atomic<bool> counting_ = false;
  std::atomic<clock::rep> count_after_ = clock::time_point::min().time_since_epoch().count();
  std::atomic<std::uint64_t> rows_ = 0;
  job_thread thread_{queries_max, "queries"};  ///< the last member: its jobs use the others
};

}  // namespace nexus::cli
