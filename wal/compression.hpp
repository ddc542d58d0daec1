// Compressed bodies of lines, which the newest reference version writes. Section 1.10 of the v0.1.2
// behaviour.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nexus::wal {

/// Far more than an entry has: its plain line may be 10 MB long. What exceeds it is a bomb.
inline constexpr std::size_t decompressed_bytes_max = 64 << 20;

/// Puts what the zstd frames in `frames` hold into `out`. False if they are damaged or cut off, or
/// hold more than decompressed_bytes_max; memory is bounded by that, whatever they claim.
bool decompress_zstd(std::string& out, std::string_view frames);

}  // namespace nexus::wal
