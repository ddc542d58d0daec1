#include "wal/compression.hpp"

#include <zstd.h>

#include <algorithm>
#include <memory>

namespace nexus::wal {
namespace {

/// The window is the memory that a frame makes us take before it has told anything: no more than
/// its contents may have.
constexpr int window_log_max = 26;
static_assert(std::size_t{1} << window_log_max == decompressed_bytes_max);

struct free_context {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

bool decompress_zstd(std::string& out, std::string_view frames) {
  out.clear();
  const std::unique_ptr<ZSTD_DCtx, free_context> context(ZSTD_createDCtx());
  if (!context) return false;
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log_max);
  ZSTD_inBuffer from{frames.data(), frames.size(), 0};
  std::size_t written = 0;
  std::size_t wanted = 1;  // 0 at the end of a frame
  while (from.pos < from.size || wanted != 0) {
    if (written == out.size())
      out.resize(std::min(decompressed_bytes_max, 2 * written + ZSTD_DStreamOutSize()));
    ZSTD_outBuffer to{out.data(), out.size(), written};
    const auto consumed = from.pos;
    wanted = ZSTD_decompressStream(context.get(), &to, &from);
    if (ZSTD_isError(wanted)) return false;
    // Nothing goes in and nothing comes out: cut off, or no more room.
    if (from.pos == consumed && to.pos == written && wanted != 0) return false;
    written = to.pos;
  }
  out.resize(written);
  return true;
}

}  // namespace nexus::wal
