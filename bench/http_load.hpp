// Clients that keep their connections and send one request after the other on each.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace nexus::bench {

/// A whole request with a place of 16 bytes in it that each request fills with another number, in
/// hexadecimal.
struct request_template {
  std::string bytes;
  std::size_t number_at = 0;
};

/// POST `path` with a body, a token and a unique Idempotency-Key.
request_template make_post(const std::string& path, const std::string& token,
                           const std::string& content_type, const std::string& body);

struct load_result {
  std::uint64_t answered = 0;
  double seconds = 0;
  std::vector<double> latencies;  ///< seconds, of each request that counts
  double per_second() const { return static_cast<double>(answered) / seconds; }
};

/// `connections` of them against 127.0.0.1:`port`, all on this thread, for `warm_up` and then, what
/// counts, for `length`. Every answer must be a 200: else the program ends and shows it.
load_result run_load(std::uint16_t port, std::size_t connections, const request_template& what,
                     std::chrono::milliseconds warm_up, std::chrono::milliseconds length);

/// A TCP connection to 127.0.0.1:`port`; `from`: the address that it comes from, empty: any.
/// -1, with errno, if it cannot be made.
int connect_to(std::uint16_t port, const char* from = nullptr);

}  // namespace nexus::bench
