// Entries as rows of the PostgreSQL table, and many of them as one statement. Internal to the
// PostgreSQL destination.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"
#include "core/result.hpp"
#include "destinations/destination.hpp"
#include "destinations/memory_record.hpp"
#include "destinations/postgres_connection.hpp"

namespace nexus::destinations {

/// The columns that we write, in the order of `memory_record`'s members.
inline constexpr std::array<const char*, 20> postgres_columns{"payload_id",
                                                              "request_id",
                                                              "source",
                                                              "subject",
                                                              "namespace",
                                                              "destination",
                                                              "collection",
                                                              "content",
                                                              "model",
                                                              "role",
                                                              "timestamp",
                                                              "idempotency_key",
                                                              "schema_version",
                                                              "transform_version",
                                                              "actor_type",
                                                              "actor_id",
                                                              "embedding",
                                                              "metadata",
                                                              "sensitivity_labels",
                                                              "classification_tier"};

/// One entry as it goes into the table, and what became of it.
struct postgres_row {
  memory_record record;
  std::string schema_version;
  std::string embedding;  ///< Empty: NULL.
  std::string metadata;
  std::string labels;
  outcome* result;

  /// The cells in the order of the columns.
  std::array<std::string_view, postgres_columns.size()> cells() const;
  std::size_t bytes() const;
};

/// PostgreSQL has no NUL characters: they become U+FFFD, but for those of a payload id, which could
/// become another entry's id. `embedding_type` is the column's. Error: `invalid_argument`, the
/// entry can never be stored.
core::result<postgres_row> make_postgres_row(const core::entry& entry,
                                             const std::string& embedding_type, outcome& result);

/// A text[] in PostgreSQL's binary form.
std::string text_array(std::span<const std::string_view> elements);

/// One INSERT for any number of rows; its parameters are `insert_parameters`. Rows whose payload id
/// is there already are passed over, but not those that violate anything else.
std::string insert_statement(const std::string& table, const std::string& embedding_type);

/// The rows as one array for each column.
class insert_parameters {
 public:
  explicit insert_parameters(std::span<const postgres_row> rows);
  /// Valid as long as this object.
  std::array<postgres_parameter, postgres_columns.size()> list() const;

 private:
  std::array<std::string, postgres_columns.size()> arrays_;
};

}  // namespace nexus::destinations
