// Compressed bodies: what is taken, and what is refused.
#include "ingest/content_encoding.hpp"

#include <zlib.h>
#include <zstd.h>

#include <string>

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/compress.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

http::request request_with(const std::string& encoding, std::string body) {
  return fake_house::make_request("POST", "/inbound/default", {{"Content-Encoding", encoding}},
                                  std::move(body));
}

/// The plain body, or the error code.
std::string decoded(const std::string& encoding, const std::string& body,
                    std::uint64_t bytes_max = 1 << 20) {
  auto request = request_with(encoding, body);
  if (auto refused = ingest::decode_body(request, bytes_max)) {
    const auto start = std::string_view("{\"error\":\"").size();
    return "!" + std::to_string(refused->status) + " " +
           refused->body.substr(start, refused->body.find('"', start) - start);
  }
  return request.body;
}

}  // namespace

TEST_CASE("a body is decompressed as its Content-Encoding says") {
  std::string text = "{\"a\":1}";
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i);
  CHECK(decoded("gzip", gzip(text)) == text);
  CHECK(decoded("GZIP", gzip(text)) == text);
  CHECK(decoded("x-gzip", gzip(text)) == text);
  CHECK(decoded(" gzip ", gzip(text)) == text);
  CHECK(decoded("deflate", deflate(text, MAX_WBITS)) == text);
  CHECK(decoded("deflate", deflate(text, -MAX_WBITS)) == text);
  CHECK(decoded("zstd", zstd(text)) == text);
  CHECK(decoded("identity", text) == text);
  CHECK(decoded("", text) == text);
  CHECK(decoded("gzip", gzip("")).empty());
  CHECK(decoded("zstd", zstd("")).empty());
}

TEST_CASE("several members in a row are one body") {
  CHECK(decoded("gzip", gzip("{\"a\":") + gzip("1}") + gzip("")) == "{\"a\":1}");
  CHECK(decoded("zstd", zstd("{\"a\":") + zstd("1}")) == "{\"a\":1}");
}

TEST_CASE("what is damaged, cut off, or followed by something else is refused") {
  const std::string text(10'000, 'x');
  for (const auto& [encoding, good] :
       std::vector<std::pair<std::string, std::string>>{{"gzip", gzip(text)},
                                                        {"deflate", deflate(text, MAX_WBITS)},
                                                        {"deflate", deflate(text, -MAX_WBITS)},
                                                        {"zstd", zstd(text)}}) {
    CAPTURE(encoding);
    for (std::size_t length = 0; length < good.size(); ++length)
      REQUIRE(decoded(encoding, good.substr(0, length)) == "!400 invalid_encoding");
    CHECK(decoded(encoding, good + "trailing") == "!400 invalid_encoding");
    CHECK(decoded(encoding, text) == "!400 invalid_encoding");
  }
  auto wrong_checksum = gzip(text);
  wrong_checksum[wrong_checksum.size() - 8] ^= 1;
  CHECK(decoded("gzip", wrong_checksum) == "!400 invalid_encoding");
}

TEST_CASE("no more is made of a body than the limit, which it may reach") {
  const std::string text(100'000, 'x');
  CHECK(decoded("gzip", gzip(text), 100'000) == text);
  CHECK(decoded("gzip", gzip(text), 99'999) == "!413 payload_too_large");
  CHECK(decoded("zstd", zstd(text), 100'000) == text);
  CHECK(decoded("zstd", zstd(text), 99'999) == "!413 payload_too_large");
  CHECK(decoded("deflate", deflate(text, MAX_WBITS), 99'999) == "!413 payload_too_large");
  CHECK(decoded("gzip", gzip(text) + gzip("y"), 100'000) == "!413 payload_too_large");
  CHECK(decoded("gzip", gzip(std::string(300 << 20, '\0')), 1'000) == "!413 payload_too_large");
}

TEST_CASE("another encoding is refused before the body, with those that are taken") {
  fake_house house;
  for (const std::string encoding : {"br", "gzip, gzip", "compress", "aws-chunked"}) {
    CAPTURE(encoding);
    const auto answer = house.post("{}", {{"Content-Encoding", encoding}});
    CHECK(answer->status() == 415);
    CHECK(answer->refused_early);
    CHECK(answer->says("unsupported_encoding"));
    CHECK(answer->header("Accept-Encoding") == "gzip, deflate, zstd, identity");
  }
}

TEST_CASE("a compressed write is a write") {
  fake_house house;
  house.source().payload_bytes_max = 100;
  const auto answer =
      house.post(gzip(R"({"message":{"content":"hello"}})"), {{"Content-Encoding", "gzip"}});
  CHECK(answer->status() == 200);
  REQUIRE(house.appends.size() == 1);
  CHECK(house.appends[0].entry->payload.find(R"("content":"hello")") != std::string::npos);
  CHECK(house.post("{}", {{"Content-Encoding", "gzip"}})->says("invalid_encoding"));
  const auto bomb =
      house.post(gzip("\"" + std::string(1'000, 'x') + "\""), {{"Content-Encoding", "gzip"}});
  CHECK(bomb->status() == 413);
  CHECK(bomb->says("payload_too_large"));
  CHECK(house.appends.size() == 1);
}
