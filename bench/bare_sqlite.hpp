// SQLite without a pipeline: rows into the table of the destination, and nothing else.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "destinations/memory_record.hpp"

namespace nexus::bench {

/// One connection with a prepared INSERT, journal and syncs as the destination has them. Ends the
/// program if something does not work.
class bare_sqlite {
 public:
  /// Has the destination make the file and its table.
  explicit bare_sqlite(const std::string& path);
  ~bare_sqlite();
  bare_sqlite(const bare_sqlite&) = delete;
  bare_sqlite& operator=(const bare_sqlite&) = delete;

  /// Writes rows in one transaction.
  void insert(std::span<const destinations::memory_record> rows);

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

/// The rows that the entries become.
std::vector<destinations::memory_record> records_of(const std::vector<core::entry_ptr>& entries);

/// Rows a second, in transactions of `batch_entries` rows; making the table does not count.
double bare_sqlite_rate(const std::string& path,
                        const std::vector<destinations::memory_record>& rows);

}  // namespace nexus::bench
