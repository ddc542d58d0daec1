// Where the next page of a query starts (section 3.7 of the v0.1.2 behaviour).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::ingest {

/// An offset in decimal, as URL-safe Base64 with padding.
std::string encode_cursor(std::size_t offset);

/// 0 for the empty cursor; nothing if it is malformed.
std::optional<std::size_t> decode_cursor(std::string_view cursor);

}  // namespace nexus::ingest
