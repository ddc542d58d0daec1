// What the loader must know of the destination types, whose code it does not know.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/setting.hpp"

namespace nexus::config {

/// Every type that a config file may name, by that name, and its own keys of a `[destination]`
/// table.
using type_table = std::map<std::string, core::setting_schema, std::less<>>;

}  // namespace nexus::config
