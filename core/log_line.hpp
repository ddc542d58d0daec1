// How long a line of the write-ahead log may be.
#pragma once

#include <cstddef>

namespace nexus::core {

/// The longest line that the reference reads, in bytes, its newline not counted (section 1.7 of the
/// v0.1.2 behaviour).
inline constexpr std::size_t line_bytes_max = 10'485'759;

/// An entry whose JSON is not longer than this fits into a line however the log writes it: with
/// checksums, and encrypted, which makes four bytes of three.
inline constexpr std::size_t sure_json_bytes_max = line_bytes_max / 4 * 3 - 1024;

}  // namespace nexus::core
