// The files of `nexus config test`: what a source's requests should come to. docs/mapping.md
// describes them for people.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "config/finding.hpp"

namespace nexus::config {

/// A text that is expected under a name, and where the file says so.
struct expected_text {
  std::string name;
  std::string text;
  location where;
};

/// The same for a list whose order does not matter.
struct expected_list {
  std::vector<std::string> elements;
  location where;
};

/// One `[[test]]`.
struct mapping_test {
  location where;
  std::string name;
  std::string source;
  location source_at;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string input;                  ///< the body, as it is sent
  std::vector<expected_text> fields;  ///< members of the payload that are texts
  std::vector<expected_text> metadata;
  bool exact_metadata = false;  ///< there is no other
  location metadata_at;
  std::optional<expected_list> destinations;
  std::optional<expected_list> sensitivity_labels;
  std::optional<expected_text> error;   ///< the code of the answer; nothing: the write is taken
  std::optional<expected_text> status;  ///< of the answer
};

/// Reads one file and the inputs that it names, which are looked for beside it. Adds what is wrong
/// to `findings`, all of it an error: beside those of every file (`unreadable`, `syntax`,
/// `wrong_type`, `unknown_key`) `missing_tests`, `missing_name`, `missing_source`, `missing_input`
/// and `conflicting_keys`.
std::vector<mapping_test> read_mapping_tests(const std::string& path,
                                             std::vector<finding>& findings);

/// Checks that `sources` has the source of each test. Error: `unknown_source`, with the nearest
/// name.
void check_sources(const std::vector<mapping_test>& tests,
                   const std::vector<source_config>& sources, std::vector<finding>& findings);

}  // namespace nexus::config
