// Compressed bodies: the first line of the input is the Content-Encoding.
#include <algorithm>

#include "ingest/content_encoding.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/compress.hpp"

using namespace nexus;

namespace {

constexpr std::uint64_t body_bytes_max = 1 << 16;

/// Nothing where it was refused.
std::optional<std::string> decoded(const std::string& encoding, std::string body) {
  http::request request;
  request.headers = {{"Content-Encoding", encoding}};
  request.body = std::move(body);
  if (const auto refused = ingest::decode_body(request, body_bytes_max)) {
    fuzz::require(refused->status == 400 || refused->status == 413, "a refusal says whose fault");
    return {};
  }
  return request.body;
}

}  // namespace

void fuzz::run(std::string_view input) {
  const auto encoding = take_line(input);
  http::request request;
  request.headers = {{"Content-Encoding", encoding}};
  const std::string body(input);
  if (!ingest::check_content_encoding(request)) {
    const auto plain = decoded(encoding, body);
    if (plain && *plain != body) require(plain->size() <= body_bytes_max, "bombs do not go off");
  }
  if (body.size() > body_bytes_max) return;
  require(decoded("gzip", test::gzip(body)) == body, "gzip is undone");
  require(decoded("zstd", test::zstd(body)) == body, "zstd is undone");
  require(decoded("deflate", test::deflate(body, MAX_WBITS)) == body, "deflate is undone");
}
