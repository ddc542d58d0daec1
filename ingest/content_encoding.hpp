// Bodies that a client has compressed (Content-Encoding).
#pragma once

#include <cstdint>
#include <optional>

#include "http/message.hpp"

namespace nexus::ingest {

/// Whether the request's Content-Encoding is one that decode_body knows: gzip, deflate, zstd,
/// identity, or none. Else 415 `unsupported_encoding`, which names them in Accept-Encoding.
std::optional<http::response> check_content_encoding(const http::request& request);

/// Puts the plain bytes in the place of a compressed body; a body that is not compressed stays as
/// it is. Never makes more than `bytes_max` of them, however many the body stands for: 413
/// `payload_too_large`. 400 `invalid_encoding` for what is damaged, cut off, or goes on with
/// something else. Several gzip members or zstd frames in a row are one body. Takes as long as
/// decompressing takes: some milliseconds a megabyte.
std::optional<http::response> decode_body(http::request& request, std::uint64_t bytes_max);

}  // namespace nexus::ingest
