// From a client's JSON to the fields of a payload (section 3.5 of the v0.1.2 behaviour).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mapping/json_path.hpp"
#include "mapping/transform.hpp"

namespace nexus::mapping {

/// Why `path` cannot be used in `[source.mapping]`, and at which byte of it; nothing if it can. For
/// the checks at start and `lint`.
std::optional<std::string> mapping_error(std::string_view path);

/// Whether a payload has a field of its own for that output field; others become metadata.
bool is_payload_field(std::string_view name);

struct mapped_fields {
  std::string collection;
  std::string content;
  std::string model;
  std::string role;
  std::map<std::string, std::string> metadata;  ///< bytewise order, as it is written
  /// The metadata would not fit into a line of the log, and is not complete.
  bool too_large = false;
};

/// `[source.mapping]`: output field and path.
using path_list = std::vector<std::pair<std::string, std::string>>;
/// `[source.transform]`: output field and its transforms, in the order in which they apply.
using transform_lists = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// A source's mapping and transforms, compiled. Immutable. Any thread.
class field_mapping {
 public:
  field_mapping(const path_list& paths, const transform_lists& transforms);

  /// Takes the mapped fields and the metadata out of a validated raw value. One pass finds all
  /// plain paths; the others (see json_path) look for themselves.
  ///
  /// Everything at the top level that no mapping path begins with becomes metadata; of several
  /// members with one key the last wins there, and the first for paths. A mapped field that is not
  /// one of the four becomes metadata under its own name, once its transforms have been applied,
  /// and wins over a member of that name; if its path leads nowhere and no transform gives it a
  /// value, there is none.
  ///
  /// Stops with `too_large` once the metadata alone is longer than a line of the log may be: ten
  /// megabytes of small members would need a hundred times that in memory.
  mapped_fields apply(std::string_view raw) const;

  /// The paths that cannot be used, with reasons; their fields stay empty.
  const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  struct field {
    std::string name;
    std::string mapped_fields::*target;  ///< null: metadata
    std::optional<json_path> path;
    transform_list transforms;
  };
  class run;

  bool is_excluded(std::string_view key) const;
  field& field_for(const std::string& name);

  std::vector<field> fields_;  ///< the four of every payload come first
  /// What stands before the first dot of each path, as spelled.
  std::vector<std::string> excluded_;
  std::vector<std::string> problems_;
};

}  // namespace nexus::mapping
