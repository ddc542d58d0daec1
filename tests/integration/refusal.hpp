// Requests that must be refused, and the one form that all refusals have.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/integration/server_home.hpp"

namespace nexus::test {

using header_list = std::vector<std::pair<std::string, std::string>>;

struct refusal {
  std::string what;
  std::string method;
  std::string target;
  std::string token;  ///< empty: none
  header_list headers;
  std::string body;
  int status;
  std::string code;
  /// Headers that the answer must have; with an empty value: any.
  header_list answer = {};
};

/// Fails the test unless the answer is a refusal with this code, in the API's envelope to the byte.
void check_envelope(const http_answer& answer, const std::string& code);

/// Sends each on a connection of its own, and fails the test where the answer is another one.
void check_refusals(const cli::child_server& server, const std::vector<refusal>& all);

/// The number of entries in the log, whatever became of them; the server must have ended.
std::size_t logged_entries(const server_home& home);

}  // namespace nexus::test
