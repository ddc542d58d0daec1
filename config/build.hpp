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

/// The names of destinations in a source's document, each with its place; none: it names none.
std::vector<const value*> named_targets(const value& document);

/// One destination, as far as it can be understood; its `fault` is left to build_destinations.
/// `home`: where relative fallbacks of paths begin.
destination_config build_destination(const value& document, const std::string& home,
                                     const type_table& types, std::vector<finding>& findings);

/// The document of the destination of a configuration that names none.
value implicit_destination(const std::string& home);

/// All destinations, in the order of their files, those with faults as well. A file that says no
/// name gives its own (without the extension); of two with one name the second is left out. False:
/// one that is required has a fault.
bool build_destinations(const file_set& files, const type_table& types, config& settings,
                        std::vector<finding>& findings);

/// The findings of severity error, one a line.
std::string errors_of(const std::vector<finding>& findings);

/// A configuration as far as it can be understood.
struct draft_config {
  config settings;
  /// No error keeps the program from starting, also none that was found before. Errors of
  /// destinations that are not required don't: those have a `fault`.
  bool usable = false;
};

/// The whole. `settings.sources` are in the order of `files.sources`.
draft_config build_draft(const file_set& files, const std::string& home, const type_table& types,
                         std::vector<finding>& findings);

/// The same; nothing if an error keeps the program from starting, also if it is among the findings
/// already.
std::optional<config> build(const file_set& files, const std::string& home, const type_table& types,
                            std::vector<finding>& findings);

}  // namespace nexus::config
