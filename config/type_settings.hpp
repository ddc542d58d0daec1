// The keys of a `[destination]` table that belong to its type, read as the type declares them.
#pragma once

#include <string>

#include "config/fields.hpp"
#include "core/setting.hpp"

namespace nexus::config {

/// The values, fallbacks filled in, secrets resolved, paths made absolute: a relative fallback
/// begins in `home`. check_destination_keys has reported wrong types by then. Errors:
/// `missing_key`, `empty_key`, `unresolved_reference`, `bad_path`, `unknown_value`, `out_of_range`,
/// and `invalid_setting` for what the schema's own check says.
core::setting_values read_type_settings(fields& in, const std::string& type,
                                        const core::setting_schema& schema,
                                        const std::string& home);

}  // namespace nexus::config
