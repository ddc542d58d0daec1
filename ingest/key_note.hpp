// What a log entry says of its idempotency key, so that the key is known again after a restart
// (decision 0013).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "core/entry.hpp"
#include "ingest/idempotency.hpp"
#include "ingest/ports.hpp"

namespace nexus::ingest {

/// A key that an entry was written under. Without a key: of no source that deduplicates, and
/// nothing is noted.
struct key_note {
  std::string key;
  /// An entry with this key may still be pending: then the key goes into an extension member, for
  /// the log hands on entries of one source, destination and `idempotency_key` once (decision
  /// 0006).
  bool is_repeated = false;
  idempotency_store::body_digest body{};  ///< all zero: not known
};

/// The notes for entries that are about to be written by a request that holds the claims on these
/// keys: one for each, in order, which takes its key. `bodies`: as many, or none.
std::vector<key_note> make_key_notes(const ports& behind, const config::source_config& source,
                                     std::span<std::string> keys,
                                     std::span<const idempotency_store::body_digest> bodies);

/// Writes the note into an entry whose `source` and extension members are set.
void put_key_note(core::entry& into, key_note note);

/// The note of an entry that was read back; nothing if it has no key.
std::optional<key_note> read_key_note(const core::entry& written);

/// The digest that is noted of a body sent with a key: only a source that compares bodies needs
/// one; all zero for the others. `more`: what belongs to the body, too.
idempotency_store::body_digest body_to_note(const config::source_config& source,
                                            std::string_view body, std::string_view more = {});

}  // namespace nexus::ingest
