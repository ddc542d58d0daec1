// What destinations have, read back as rows that cli::compare can hold against a book of promises.
#pragma once

#include <string>
#include <vector>

#include "cli/load.hpp"

namespace nexus::proof {

/// The payload id and the content of a payload's JSON. Throws std::runtime_error if it is none.
cli::stored_row row_of(const std::string& payload);

/// The rows of a jsonl destination: its file and the rotated ones beside it. A line that is no
/// payload throws std::runtime_error; no file is no rows.
std::vector<cli::stored_row> rows_of_lines(const std::string& path);

}  // namespace nexus::proof
