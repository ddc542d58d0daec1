// One payload for several destinations: an entry for each, made durable together. After a crash in
// the middle of that, only some of them may be in the log; so each says how many there are.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/entry.hpp"

namespace nexus::ingest {

/// An entry for each destination, in their order: `common` with the destination's name, also in the
/// payload (whose JSON is that of a payload_writer for the first of them). If there are several,
/// each has the extension member `"fanout"`, their number.
std::vector<core::entry_ptr> make_entries(std::shared_ptr<core::entry> common,
                                          const std::vector<std::string>& destinations);

/// Tells which writes are whole from the entries that the log has at a start, whatever has become
/// of each. One of which something is missing was never acknowledged (or is so old that its other
/// lines have been removed); its idempotency key must not be answered with its payload id, for the
/// client would take it for accepted as a whole.
class whole_writes {
 public:
  /// Takes one entry after the other, in the order of the log, which keeps the entries of one write
  /// together. True: all entries of its write have been seen.
  bool add(const core::entry& value);

 private:
  std::string payload_id_;  ///< of the write that the last entry belongs to
  std::vector<std::string> destinations_;
};

}  // namespace nexus::ingest
