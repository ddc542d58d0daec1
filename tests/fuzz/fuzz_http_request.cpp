// Requests as they come over a connection: however the bytes are cut into packets, the same
// requests come out, within the limits.
#include <algorithm>
#include <vector>

#include "http/request_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace nexus;
using http::request_reader;

namespace {

constexpr std::uint64_t body_bytes_max = 200;

struct outcome {
  std::vector<std::string> requests;  ///< all that is known of each
  int status = 0;                     ///< of the refusal
  std::size_t left = 0;               ///< bytes that were not taken
};

/// Whether `a` is as far as `b`, or waits: the last bytes of a body in chunks may be kept until
/// more of them are there.
bool is_as_far(const outcome& a, const outcome& b) {
  const bool waits = a.status == 0 && a.left > 0 && a.left < 5;
  if (!waits) return a.requests == b.requests && a.status == b.status;
  return a.requests.size() <= b.requests.size() &&
         std::equal(a.requests.begin(), a.requests.end(), b.requests.begin());
}

bool are_same(const outcome& a, const outcome& b) {
  return is_as_far(a, b) || is_as_far(b, a);
}

std::string told(request_reader& reader) {
  const bool keeps = reader.keep_alive();
  const auto one = reader.take_request();
  fuzz::require(one.body.size() <= body_bytes_max, "no body is longer than was asked for");
  std::string text = one.method + ' ' + one.path + '?' + one.query + '\n';
  for (const auto& [name, value] : one.headers) {
    fuzz::require((name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
                  "a header is one line");
    text += name + ':' + value + '\n';
  }
  return text + (one.body_truncated ? "truncated " : "") + (keeps ? "kept\n" : "\n") + one.body;
}

outcome read(std::string_view input, std::size_t packet) {
  request_reader reader({.header_bytes_max = 2000, .headers_max = 10, .target_bytes_max = 100});
  outcome out;
  std::string waiting;
  while (reader.at() != request_reader::state::refused) {
    const auto before = reader.at();
    const auto taken = reader.feed(waiting);
    fuzz::require(taken <= waiting.size(), "no more is taken than there is");
    waiting.erase(0, taken);
    const bool is_stuck = taken == 0 && reader.at() == before;
    if (reader.at() == request_reader::state::header_done) {
      reader.accept_body(body_bytes_max);
    } else if (reader.at() == request_reader::state::done) {
      out.requests.push_back(told(reader));
      if (out.requests.back().find("truncated kept") != std::string::npos) break;
      reader.reset();
    } else if (is_stuck && input.empty()) {
      break;
    } else if (is_stuck) {
      waiting += input.substr(0, packet);
      input.remove_prefix(std::min(packet, input.size()));
    }
  }
  if (reader.at() == request_reader::state::refused) out.status = reader.refused().status;
  out.left = waiting.size();
  return out;
}

}  // namespace

void fuzz::run(std::string_view input) {
  const auto whole = read(input, input.size() + 1);
  require(are_same(whole, read(input, 1)), "byte by byte the same requests come");
  require(are_same(whole, read(input, 7)), "in small packets the same requests come");
}
