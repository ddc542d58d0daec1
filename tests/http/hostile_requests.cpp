#include "tests/http/hostile_requests.hpp"

#include <utility>

using namespace std::string_literals;

namespace nexus::test {
namespace {

std::string many_chunks(int count, const std::string& extension) {
  std::string chunks;
  for (int i = 0; i < count; ++i) chunks += "1;" + extension + "\r\nx\r\n";
  return chunks + "0\r\n\r\n";
}

}  // namespace

std::string post(const std::string& fields, const std::string& body) {
  return "POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

std::string many_headers(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) fields += "X: y\r\n";
  return fields;
}

namespace {

std::vector<hostile> unclear_lengths() {
  return {
      {"length, then chunked",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked, then length",
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), 400},
      {"the same length twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"a list of lengths", post("Content-Length: 5, 5\r\n", "hello"), 400},
      {"a signed length", post("Content-Length: +5\r\n", "hello"), 400},
      {"a negative length", post("Content-Length: -1\r\n"), 400},
      {"a hexadecimal length", post("Content-Length: 0x5\r\n", "hello"), 400},
      {"an empty length", post("Content-Length: \r\n"), 400},
      {"a length with a space in it", post("Content-Length: 5 5\r\n", "hello"), 400},
      {"a length with a comma at its end", post("Content-Length: 5,\r\n", "hello"), 400},
      {"a length with a fraction", post("Content-Length: 5.0\r\n", "hello"), 400},
      {"a quoted length", post("Content-Length: \"5\"\r\n", "hello"), 400},
      {"a length with a zero byte", post("Content-Length: 5\0\r\n"s, "hello"), 400},
      {"a length in other digits", post("Content-Length: \xef\xbc\x95\r\n", "hello"), 400},
      {"a length and one in other letters",
       post("Content-Length: 5\r\ncontent-LENGTH: 0\r\n", "hello"), 400},
      {"a length with a space before its colon", post("Content-Length : 5\r\n", "hello"), 400},
      {"a length with a space before its name",
       "POST /x HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\nhello", 400},
      {"a folded length", post("Content-Length:\r\n 5\r\n", "hello"), 400},
      {"length and chunked far apart",
       post("Content-Length: 5\r\nX-A: b\r\nX-C: d\r\ntRANSFER-eNCODING:   chunked  \r\n",
            "0\r\n\r\n"),
       400},
      {"length 0 and chunked",
       post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"length and an unknown encoding",
       post("Content-Length: 5\r\nTransfer-Encoding: x\r\n", "hello"), 400},
      {"a length beyond 64 bits", post("Content-Length: 18446744073709551617\r\n"), 400},
  };
}

std::vector<hostile> unclear_encodings() {
  return {
      {"chunked twice",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked twice in one field", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
       400},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400},
      {"identity with a length",
       post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello"), 400},
      {"an unknown encoding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
      {"a quoted encoding", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400},
      {"an empty encoding", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 400},
      {"chunked with a comma at its end", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"),
       400},
      {"chunked after a comma", post("Transfer-Encoding: , chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 400},
      {"chunked with a zero byte", post("Transfer-Encoding: chunked\0\r\n"s, "0\r\n\r\n"), 400},
      {"chunked and then something else",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"), 400},
      {"chunked with a tab before its colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"),
       400},
      {"chunked with a byte beyond ASCII", post("Transfer-Encoding: chunked\xa0\r\n", "0\r\n\r\n"),
       400},
      {"chunked in HTTP/1.0",
       "POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"a space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {"a vertical tab in the value",
       post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            "0\r\n\r\n"),
       400},
      {"a folded encoding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400},
      {"a folded header", post("X-A: b\r\n\tc\r\n"), 400},
      {"a fold after the request line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"a bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
      {"a bare LF after the request line", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"a bare CR in a value", post("X-A: b\rTransfer-Encoding: chunked\r\n"), 400},
      {"CR CR LF", post("X-A: b\r\r\n"), 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"two Hosts in other letters", "GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n", 400},
      {"a Host with a space before its colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
  };
}

}  // namespace

const std::vector<hostile>& smuggling_forms() {
  static const std::vector<hostile> all = [] {
    auto both = unclear_lengths();
    for (auto& one : unclear_encodings()) both.push_back(std::move(one));
    return both;
  }();
  return all;
}

const std::vector<hostile>& bad_chunks() {
  static const std::vector<hostile> all = {
      {"no chunk size", chunked("hello\r\n0\r\n\r\n"), 400},
      {"a chunk size beyond 64 bits", chunked("11111111111111111\r\nhello"), 400},
      {"a signed chunk size", chunked("+5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a space after the chunk size", chunked("5 \r\nhello\r\n0\r\n\r\n"), 400},
      {"a bare LF after the chunk size", chunked("5\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), 400},
      {"a bare LF in a chunk extension", chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), 400},
      {"an endless chunk line", chunked("5;" + std::string(100'000, 'a')), 400},
      {"an endless chunk size", chunked(std::string(100'000, '0')), 400},
      {"an endless trailer", chunked("0\r\nA: " + std::string(100'000, 'a')), 400},
      {"too many trailer fields", chunked("0\r\n" + many_headers(101) + "\r\n"), 400},
      {"a negative chunk size", chunked("-1\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk size that just does not fit", chunked("ffffffffffffffff1\r\nhello"), 400},
      {"a space before the chunk size", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk size with h", chunked("5h\r\nhello\r\n0\r\n\r\n"), 400},
      {"an empty chunk size", chunked("\r\nhello\r\n0\r\n\r\n"), 400},
      {"a bare CR after the chunk size", chunked("5\rhello\r\n0\r\n\r\n"), 400},
      {"no line end after a chunk", chunked("5\r\nhello0\r\n\r\n"), 400},
      {"a bare LF after a chunk", chunked("5\r\nhello\n0\r\n\r\n"), 400},
      {"a bare LF after the last chunk", chunked("0\n\n\r\n\r\n"), 400},
      {"a zero byte in a chunk extension", chunked("5;a=\0\r\nhello\r\n0\r\n\r\n"s), 400},
      {"chunk extensions that are too long together",
       chunked(many_chunks(300, std::string(100, 'a'))), 400},
      {"a bare LF in the trailer", chunked("0\r\nX: y\n\r\n\r\n"), 400},
      {"a trailer without a colon", chunked("0\r\nnonsense\r\n\r\n"), 400},
      {"a length in the trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400},
      {"an encoding in the trailer", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
  };
  return all;
}

const std::vector<hostile>& garbage() {
  static const std::vector<hostile> all = {
      {"noise", "\xde\xad\xbe\xef\x01\x02\x03\x04"s, 400},
      {"a TLS client", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},
      {"an HTTP/2 client", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"a NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
      {"a NUL in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"s, 400},
      {"an empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400},
      {"HTTP/0.9 with a version", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400},
      {"HTTP/1", "GET / HTTP/1\r\nHost: a\r\n\r\n", 400},
      {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
      {"HTTP/01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400},
      {"HTTP /1.1", "GET / HTTP /1.1\r\nHost: a\r\n\r\n", 400},
      {"HTTPS/1.1", "GET / HTTPS/1.1\r\nHost: a\r\n\r\n", 400},
      {"a space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"a space before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a method with a bracket", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a method with a byte beyond ASCII", "G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a method with a zero byte", "GET\0 / HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
      {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a target of an authority alone", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a star with more behind it", "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a backslash for a slash", "GET \\x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a DEL in the target", "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"http in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"a target without a slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"another scheme", "GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"an empty field name", post(": x\r\n"), 400},
      {"a field name with a space", post("X Y: z\r\n"), 400},
      {"a field name with a bracket", post("X(Y: z\r\n"), 400},
      {"a field name with a zero byte", post("X\0Y: z\r\n"s), 400},
      {"a field name with a byte beyond ASCII", post("X\xc3\xa9: z\r\n"), 400},
      {"a DEL in a value", post("X: a\x7f\r\n"), 400},
      {"an escape in a value", post("X: \x1b[2J\r\n"), 400},
      {"a field without a colon", post("nonsense\r\n"), 400},
      {"an unknown expectation", post("Expect: miracles\r\nContent-Length: 1\r\n"), 417},
  };
  return all;
}

const std::vector<hostile>& oversized() {
  static const std::vector<hostile> all = {
      {"100,000 headers", "GET / HTTP/1.1\r\nHost: a\r\n" + many_headers(100'000) + "\r\n", 431},
      {"101 headers", "GET / HTTP/1.1\r\nHost: a\r\n" + many_headers(100) + "\r\n", 431},
      {"a long header line", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1 << 20, 'x'), 431},
      {"a header one byte too long",
       "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(16 * 1024 - 31, 'x') + "\r\n\r\n", 431},
      {"a long method", std::string(1 << 20, 'X'), 431},
      {"a long target", "GET /" + std::string(8 * 1024, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
  };
  return all;
}

}  // namespace nexus::test
