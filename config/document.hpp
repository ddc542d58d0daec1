// A TOML file as a tree in which everything knows its place. Keeps toml++ out of the rest of the
// folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/finding.hpp"

namespace nexus::config {

enum class value_kind : std::uint8_t { string, integer, real, boolean, date, array, table };

/// One value; a document is a table without a key.
struct value {
  std::string key;  ///< without its table's name; empty for a document and for array elements
  location key_at;  ///< where the key stands (for array elements: where the element stands)
  location where;   ///< where the value stands
  value_kind kind = value_kind::table;
  std::string text;  ///< a string's contents; an integer, real or boolean as text
  std::int64_t integer = 0;
  bool boolean = false;
  std::vector<value> children;  ///< a table's members, or an array's elements, in file order

  /// The member of that name; null if there is none, or if this is no table.
  const value* member(std::string_view name) const noexcept;
  /// The value behind a dotted path such as "daemon.wal.path".
  const value* find(std::string_view path) const noexcept;
};

/// Reads and parses one file. If that fails, adds an error with code "unreadable" or "syntax" and
/// returns nothing.
std::optional<value> read_document(const std::string& path, std::vector<finding>& findings);

}  // namespace nexus::config
