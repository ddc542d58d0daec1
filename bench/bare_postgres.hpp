// PostgreSQL without a pipeline: rows into the table of the destination, and nothing else.
#pragma once

#include <string>
#include <vector>

#include "destinations/memory_record.hpp"

namespace nexus::bench {

/// Has the destination make a table of this name, so that every contestant finds an empty one.
void make_postgres_table(const std::string& dsn, const std::string& table);

/// How a batch of rows gets there, always as one transaction.
enum class postgres_batch {
  row_by_row,   ///< a prepared INSERT for each row, in libpq's pipeline mode
  all_at_once,  ///< the destination's own statement: one INSERT of arrays
};

/// Rows a second in batches of `batch_entries`, by so many connections at a time, each of which
/// waits for the answer to its batch. Connecting does not count. Ends the program if something does
/// not work.
double bare_postgres_rate(const std::string& dsn, const std::string& table,
                          const std::vector<destinations::memory_record>& rows,
                          std::size_t connections, postgres_batch how);

}  // namespace nexus::bench
