// Whether a write came to what a test of `nexus config test` expects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/mapping_tests.hpp"
#include "ingest/preview.hpp"

namespace nexus::cli {

/// A text or a list of texts, for people and programs.
struct shown_value {
  std::vector<std::string> texts;
  bool is_list = false;
};

/// One expectation that was not met.
struct mismatch {
  std::string field;                    ///< "content", "metadata.lang", "destinations", "error" …
  std::optional<shown_value> expected;  ///< nothing: it should not be there
  std::optional<shown_value> got;       ///< nothing: it is not there
  std::string note;                     ///< for people; may be empty
  config::location where;               ///< of the expectation
};

/// In the order: answer, fields, lists, metadata. A write that was refused unexpectedly is one
/// mismatch, of `error`: nothing else can be compared then.
std::vector<mismatch> compare(const config::mapping_test& expected,
                              const ingest::write_preview& got);

}  // namespace nexus::cli
