// From parsed documents to checked values, one function for each kind of file, and one for what
// holds between files. All of them add what is wrong to `findings` and go on, so that one run shows
// every problem.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/files.hpp"
#include "config/type_table.hpp"

namespace nexus::config {

/// Everything but sources and destinations.
config build_daemon(const value& document, const std::string& home, std::vector<finding>& findings);

/// `rate_default`: requests per minute where the source does not say.
source_config build_source(const value& document, std::int64_t rate_default,
                           std::vector<finding>& findings);

/// `home`: where a SQLite destination without db_path keeps its file.
destination_config build_destination(const value& document, const std::string& home,
                                     const type_table& types, std::vector<finding>& findings);

/// The destination of a configuration that names none.
destination_config implicit_destination(const std::string& home);

/// The whole; nothing if there is an error among the findings, also among those that are there
/// already.
std::optional<config> build(const file_set& files, const std::string& home, const type_table& types,
                            std::vector<finding>& findings);

}  // namespace nexus::config
