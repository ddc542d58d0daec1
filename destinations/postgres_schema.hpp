// The table of the PostgreSQL destination (section 5.2 of the v0.1.2 behaviour): what there is,
// what is missing, and how it is made. Internal to the PostgreSQL destination.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "destinations/postgres_connection.hpp"

namespace nexus::destinations {

struct table_name {
  std::string schema;  ///< Empty: the first of the search path that has the table.
  std::string table;

  /// As it goes into a statement.
  std::string quoted() const;
};

/// `table` or `schema.table`. Error: `bad_config`.
core::result<table_name> parse_table_name(std::string_view text);

/// What the table should be.
struct table_plan {
  table_name name;
  bool create = true;
  int vector_dimensions = 1536;
};

/// What the table is.
struct table_state {
  bool exists = false;
  /// Columns of later versions are missing.
  bool needs_columns = false;
  /// The type of the column `embedding`; empty if it is missing.
  std::string embedding_type;
};

/// Looks at the table and at what we may do with it, and changes nothing. What `make_table` would
/// mend is no fault. Faults of kind `config_fault` name the statement that mends them.
std::optional<postgres_fault> look_at_table(table_state& into, postgres_connection& connection,
                                            const table_plan& plan, postgres_deadline until);

/// Looks at the table, and creates or completes it where that is wanted. Several connections may do
/// so at the same time.
std::optional<postgres_fault> make_table(table_state& into, postgres_connection& connection,
                                         const table_plan& plan, postgres_deadline until);

}  // namespace nexus::destinations
