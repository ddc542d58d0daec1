// What a write would come to, without a server: for `nexus config test`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "core/entry.hpp"
#include "http/message.hpp"

namespace nexus::ingest {

struct write_preview {
  int status = 0;       ///< of the answer
  std::string error;    ///< its error code; empty: the write was taken
  std::string message;  ///< its message for people, beside a code
  /// What would be in the log, one for each destination; none if it was refused.
  std::vector<core::entry_ptr> entries;
};

/// Sends POST /inbound/SOURCE through a door of its own, with the first key of `source` unless the
/// headers bring an Authorization. Every check and rule of the door is the real one; behind it
/// nothing is written or sent, and each destination takes what it gets at once. Nothing is
/// remembered from one call to the next.
write_preview preview_write(const std::shared_ptr<const config::config>& settings,
                            const config::source_config& source, http::header_list headers,
                            std::string body);

}  // namespace nexus::ingest
