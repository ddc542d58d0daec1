// Destination types out of shared libraries (plugin.hpp is what those include).
#pragma once

#include <string>

#include "core/result.hpp"
#include "destinations/registry.hpp"

namespace nexus::destinations {

/// Loads the shared library at `path` (absolute) and returns the type in it. A library stays loaded
/// until the process ends: code of it may run, and objects of it may live, at any time. Any thread.
///
/// Error `bad_config`, naming the file: it is missing, no shared library, no plugin, built for
/// another interface or with another compiler (nothing of it but its static initializers has run
/// then), its function threw, or its type has no `make`.
core::result<type_info> load_plugin(const std::string& path);

/// The type "plugin": `path` (required) leads to the library, the members of `settings` are the
/// keys of the type in it.
type_info plugin_type();

}  // namespace nexus::destinations
