// What destinations have, read back as rows that cli::compare can hold against a book of promises.
#pragma once

#include <string>
#include <vector>

#include "cli/load.hpp"

namespace nexus::proof {

/// A member of a payload's JSON that is text. Throws std::runtime_error if it has none.
std::string text_of(const std::string& payload, const char* member);

/// The payload id and the content of a payload; otherwise as text_of.
cli::stored_row row_of(const std::string& payload);

/// The lines of a jsonl destination: of its file and the rotated ones beside it. No file is no
/// lines.
std::vector<std::string> payloads_of_lines(const std::string& path);

/// The same as rows. A line that is no payload throws std::runtime_error.
std::vector<cli::stored_row> rows_of_lines(const std::string& path);

}  // namespace nexus::proof
