// Every key that a configuration file may hold, and the check of a document against that list.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "core/setting.hpp"

namespace nexus::config {

/// The three kinds of file of a home directory, each with one table at its top, and the tests that
/// `nexus config test` runs.
enum class file_kind : std::uint8_t { daemon, source, destination, mapping_tests };

enum class value_type : std::uint8_t {
  string,
  integer,
  number,  ///< integer or real
  boolean,
  strings,
  integers,
  tables,  ///< `[[name]]`
};

/// A key that v0.1.2 or this version knows.
struct key_info {
  std::string_view path;  ///< from the top of the file; `*` stands for any key
  value_type type = value_type::string;
  bool effective = true;  ///< false: read and checked, but nothing acts upon it in this version
};

std::span<const key_info> known_keys(file_kind kind) noexcept;

/// Reports wrong types (error `wrong_type`), keys that nobody knows (`unknown_key`, with the
/// nearest known key; an error among tests, where they would check nothing) and features that are
/// switched on but are not there (warning `no_effect`).
void check_keys(file_kind kind, const value& document, std::vector<finding>& findings);

/// The same for a destination, where `type` names the keys of `[destination]` beside those that
/// every destination has; null: nobody knows its type, so nobody can say which keys it has. Here an
/// unknown key is an error, elsewhere a warning: a typo in a destination's file could send entries
/// where they don't belong.
void check_destination_keys(const value& document, const core::setting_schema* type,
                            std::vector<finding>& findings);

}  // namespace nexus::config
