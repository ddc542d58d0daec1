#include "ingest/content_encoding.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/ascii.hpp"
#include "http/errors.hpp"

namespace nexus::ingest {
namespace {

enum class coding { identity, gzip, deflate, zstd };
enum class outcome { whole, damaged, too_large };

/// What is made at first, and added when that is full.
constexpr std::size_t step_bytes_min = 16 * 1024;

/// A frame may ask for so much memory and no more, as RFC 9659 has it for HTTP: 8 MB.
constexpr int zstd_window_log_max = 23;

std::optional<coding> coding_of(const http::request& request) {
  auto name = request.header("Content-Encoding").value_or(std::string_view());
  while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) name.remove_prefix(1);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  if (name.empty() || core::same_but_case(name, "identity")) return coding::identity;
  if (core::same_but_case(name, "gzip") || core::same_but_case(name, "x-gzip")) return coding::gzip;
  if (core::same_but_case(name, "deflate")) return coding::deflate;
  if (core::same_but_case(name, "zstd")) return coding::zstd;
  return std::nullopt;
}

/// The output as it grows: twice the room each time, at most one byte more than may be used, which
/// shows that there is more.
class output {
 public:
  explicit output(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  /// Where to write on; false: the limit is passed.
  bool grow() {
    if (used_ > bytes_max_) return false;
    if (used_ == text_.size()) {
      const std::uint64_t more = std::max<std::uint64_t>(text_.size(), step_bytes_min);
      text_.resize(static_cast<std::size_t>(std::min(bytes_max_ + 1, used_ + more)));
    }
    return true;
  }
  char* at() { return text_.data() + used_; }
  std::size_t room() const { return text_.size() - used_; }
  void advance(std::size_t bytes) { used_ += bytes; }
  bool within_limit() const { return used_ <= bytes_max_; }
  std::string take() {
    text_.resize(used_);
    return std::move(text_);
  }

 private:
  std::uint64_t bytes_max_;
  std::string text_;
  std::size_t used_ = 0;
};

// "deflate" is a zlib stream (RFC 9110), but some clients send the bare one.
int window_bits_of(coding as, std::string_view body) {
  constexpr int gzip = 16;
  if (as == coding::gzip) return MAX_WBITS + gzip;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(body[i]); };
  const bool zlib =
      body.size() >= 2 && (byte(0) & 0x0F) == Z_DEFLATED && (byte(0) * 256 + byte(1)) % 31 == 0;
  return zlib ? MAX_WBITS : -MAX_WBITS;
}

outcome inflate_into(output& out, std::string_view body, coding as) {
  z_stream stream{};
  if (inflateInit2(&stream, window_bits_of(as, body)) != Z_OK) return outcome::damaged;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  for (;;) {
    if (!out.grow()) return outcome::too_large;
    const auto room = static_cast<uInt>(std::min<std::size_t>(out.room(), 1U << 30));
    stream.next_out = reinterpret_cast<Bytef*>(out.at());
    stream.avail_out = room;
    const int state = inflate(&stream, Z_NO_FLUSH);
    out.advance(room - stream.avail_out);
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0) return out.within_limit() ? outcome::whole : outcome::too_large;
      if (as != coding::gzip || inflateReset(&stream) != Z_OK) return outcome::damaged;
    } else if (state != Z_OK && state != Z_BUF_ERROR) {
      return outcome::damaged;
    } else if (stream.avail_in == 0 && stream.avail_out > 0) {
      return outcome::damaged;  // it wants more, and there is no more
    }
  }
}

outcome unzstd_into(output& out, std::string_view body) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                        ZSTD_freeDCtx);
  if (!context) return outcome::damaged;
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  for (;;) {
    if (!out.grow()) return outcome::too_large;
    ZSTD_outBuffer to{out.at(), out.room(), 0};
    const std::size_t state = ZSTD_decompressStream(context.get(), &to, &in);
    out.advance(to.pos);
    if (ZSTD_isError(state) != 0) return outcome::damaged;
    if (state == 0 && in.pos == in.size)
      return out.within_limit() ? outcome::whole : outcome::too_large;
    if (in.pos == in.size && to.pos < to.size) return outcome::damaged;
  }
}

http::response too_large(std::uint64_t bytes_max) {
  auto answer = http::error_response(413, "payload_too_large",
                                     "the body is larger, decompressed, than may be sent here (" +
                                         std::to_string(bytes_max) + " bytes)");
  answer.close = true;
  return answer;
}

}  // namespace

std::optional<http::response> check_content_encoding(const http::request& request) {
  if (coding_of(request)) return std::nullopt;
  auto answer = http::error_response(415, "unsupported_encoding",
                                     "Content-Encoding must be gzip, deflate, zstd or identity");
  answer.headers.emplace_back("Accept-Encoding", "gzip, deflate, zstd, identity");
  return answer;
}

std::optional<http::response> decode_body(http::request& request, std::uint64_t bytes_max) {
  const auto as = coding_of(request);
  if (!as) return check_content_encoding(request);
  if (*as == coding::identity) return std::nullopt;
  if (request.body_truncated) return too_large(bytes_max);
  output plain(bytes_max);
  const auto end = *as == coding::zstd ? unzstd_into(plain, request.body)
                                       : inflate_into(plain, request.body, *as);
  if (end == outcome::too_large) return too_large(bytes_max);
  if (end == outcome::damaged)
    return http::error_response(400, "invalid_encoding",
                                "the body is not what its Content-Encoding says, or is cut off");
  request.body = plain.take();
  return std::nullopt;
}

}  // namespace nexus::ingest
