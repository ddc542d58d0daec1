// Writes over HTTP as a careful client sends them: under an idempotency key, so that what was not
// answered can be sent again.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "cli/http_client.hpp"
#include "cli/load.hpp"

namespace nexus::proof {

/// One request; more than one content is a batch.
struct write_request {
  std::string key;
  std::vector<std::string> contents;
};

enum class fate {
  accepted,  ///< every content, with 200
  refused,   ///< all or some, with 5xx
  lost,      ///< no answer came
  wrong      ///< an answer that nobody should get
};

struct write_outcome {
  fate what = fate::lost;
  std::string answer;  ///< for a message
  std::string code;    ///< of what was refused: of the whole, or of its last item
  /// Payload ids of the contents that were accepted, by their places in the request.
  std::vector<std::pair<std::size_t, std::string>> ids;
};

/// Sends the request once to the source "main". `actor` is the entries' actor_id.
write_outcome send_write(cli::http_client& client, const write_request& one,
                         const std::string& actor = "");

/// Keeps what the outcome promises. False if an id was promised for another content before.
bool enter(cli::ledger& book, const write_request& one, const write_outcome& outcome);

}  // namespace nexus::proof
