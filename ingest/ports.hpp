// What the HTTP door needs from the house behind it, as plain functions: it knows neither actors
// nor databases.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/record.hpp"
#include "config/finding.hpp"
#include "core/confirmation.hpp"
#include "core/entry.hpp"
#include "core/result.hpp"
#include "destinations/destination.hpp"

namespace nexus::ingest {

/// Told once, from any thread: success means that the entry is on disk (write and fdatasync have
/// returned).
using append_done = std::function<void(const core::result<void>&)>;

/// Told once, from any thread: the same for each of several writes, in order.
using batch_done = std::function<void(std::vector<core::result<void>>)>;

/// Told once, from any thread.
using query_done = std::function<void(core::result<destinations::query_page>)>;

/// How one destination is doing.
struct destination_state {
  std::string name;
  std::string type;
  bool healthy = true;
  /// "running", "waiting" (unreachable, tried again), "misconfigured" (a person must mend it) or
  /// "paused" (by the operator)
  std::string state;
  std::string breaker;        ///< "closed", "open" or "half_open"
  std::string last_error;     ///< empty: none since the last delivery
  std::uint64_t queued = 0;   ///< entries held in memory
  std::uint64_t pending = 0;  ///< entries in the log that wait for it
  double oldest_pending_seconds = 0;
  std::uint64_t attempts = 0;  ///< since the start, like the next three
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;    ///< permanent failures
  std::uint64_t restarts = 0;  ///< instances that hung, threw or ended
};

/// What GET /api/status and GET /ready report of the pipeline.
struct pipeline_state {
  bool wal_healthy = true;
  std::string wal_error;  ///< why not
  std::string current_segment;
  std::uint64_t pending_entries = 0;
  std::uint64_t pending_bytes = 0;  ///< of their lines in the log
  std::uint64_t queue_depth = 0;
  double oldest_pending_seconds = 0;
  std::uint64_t crc_failures = 0;
  std::uint64_t integrity_failures = 0;
  std::uint64_t torn_lines = 0;
  std::uint64_t malformed_lines = 0;
  std::uint64_t sentinel_failures = 0;
  std::uint64_t undecodable_lines = 0;
  std::uint64_t quarantined_lines = 0;
  std::uint64_t permanent_failures = 0;  ///< since the start
  std::uint64_t dead_letters = 0;        ///< permanent failures that are kept, however old
  std::uint64_t memories_total = 0;
  bool draining = false;
  double consistency_score = -1;  ///< of the last check; -1: there was none
  std::vector<destination_state> destinations;
  /// Entries that wait for destinations that are not configured (any more), by name.
  std::vector<std::pair<std::string, std::uint64_t>> unclaimed;
};

/// An entry that has failed for good.
struct dead_letter {
  core::entry entry;
  std::string failed_at;  ///< RFC 3339; empty if it is not known
  std::string reason;
};

/// Which dead letters; what is empty does not count.
struct dead_letter_choice {
  std::vector<std::string> payload_ids;
  std::string source;
  std::string destination;
  std::size_t limit = 0;       ///< for looking: so many of those that fit
  bool with_payloads = false;  ///< for looking
};

struct dead_letter_page {
  std::vector<dead_letter> letters;  ///< oldest first
  std::uint64_t total = 0;           ///< all that fit, beyond the limit as well
};

/// Told once, from any thread.
using dead_letters_done = std::function<void(core::result<dead_letter_page>)>;
using dead_letters_acted = std::function<void(core::result<std::uint64_t>)>;

/// What is looked up in the destinations.
struct consistency_choice {
  std::size_t sample = 100;  ///< so many of the delivered entries, drawn at random
  bool all = false;          ///< every one of them instead
  std::string destination;   ///< only this one's; empty: of each
  bool redeliver = false;    ///< what is missing is to be delivered once more
};

/// How one destination fares.
struct destination_consistency {
  std::string name;
  std::uint64_t looked_up = 0;
  std::uint64_t found = 0;
  /// Payload ids that it should have and has not, the first ones only (consistency_ids_max).
  std::vector<std::string> missing;
  std::string skipped;  ///< why it was not asked, or not to the end; empty: it was
};

/// The largest sample: its entries are held in memory.
inline constexpr std::size_t consistency_sample_max = 100'000;

/// So many missing ids are named for each destination; all of them are counted.
inline constexpr std::size_t consistency_ids_max = 10'000;

struct consistency_report {
  std::vector<destination_consistency> destinations;  ///< by name
  std::uint64_t redelivered = 0;                      ///< pending again
};

/// Found of looked up, from 0 to 1; 1 where nothing was looked up (section 6.3 of the v0.1.2
/// behaviour).
inline double consistency_score(std::uint64_t found, std::uint64_t looked_up) {
  return looked_up == 0 ? 1.0 : static_cast<double>(found) / static_cast<double>(looked_up);
}
/// The same over all destinations.
double consistency_score(const consistency_report& of);

/// Told once, from any thread.
using consistency_done = std::function<void(core::result<consistency_report>)>;
/// The same, with the destination's state as it is then.
using destination_switched = std::function<void(core::result<destination_state>)>;

/// What a reload came to.
struct reload_report {
  /// What has changed, a sentence each; empty: nothing.
  std::vector<std::string> changes;
  /// What stays as it was until the next start (the listener's address, the log's directory …), and
  /// what must be known: entries that wait for a destination that was removed.
  std::vector<std::string> notes;
};

/// Told once, from any thread. Error `bad_config`: the new configuration is wrong and the old one
/// stays; the text has a line for each finding.
using reload_done = std::function<void(core::result<reload_report>)>;

/// Told once, from any thread.
using lint_done = std::function<void(core::result<std::vector<config::finding>>)>;
/// Which records of the interaction log.
struct interaction_choice {
  audit::filter which;
  std::uint64_t offset = 0;
  std::size_t limit = 100;
};

/// Told once, from any thread.
using interactions_done = std::function<void(core::result<audit::page>)>;
using interactions_counted = std::function<void(core::result<audit::statistics>)>;

/// Told once, from any thread; empty: there is none.
using embed_done = std::function<void(std::vector<float>)>;

/// All of these return at once and may be called from any thread.
struct ports {
  /// Makes entries durable, all or none, and hands them to delivery. `done` may be called before
  /// this returns; after a success the confirmation's `done` follows, where one is wanted.
  /// Errors: `too_large`, `wal_full`, `overloaded` (too much pending or in flight), `io_failed`,
  /// `closed`.
  std::function<void(std::vector<core::entry_ptr>, append_done, std::optional<core::confirmation>)>
      append;
  /// The same for several writes, each the entries of one payload, with one sync for all of them.
  /// There is room for all or for none. `wanted`: empty, or a confirmation for each write.
  std::function<void(std::vector<std::vector<core::entry_ptr>> writes, batch_done,
                     std::vector<core::confirmation> wanted)>
      append_batch;
  /// Whether an entry of the source with this idempotency key is pending for one of these
  /// destinations: for each of the (not empty) keys, in order.
  std::function<std::vector<bool>(const std::string& source,
                                  const std::vector<std::string>& destinations,
                                  std::span<const std::string> keys)>
      keys_wait;
  /// Reads back from the store behind a destination. Error `not_found`: nothing to read from.
  std::function<void(destinations::query, query_done)> find;
  /// Dead letters: looking at them, delivering them once more, giving them up. Errors:
  /// `overloaded`, `closed`, or what the log fails with.
  std::function<void(dead_letter_choice, dead_letters_done)> dead_letters;
  std::function<void(dead_letter_choice, dead_letters_acted)> redrive;
  std::function<void(dead_letter_choice, dead_letters_acted)> purge;
  /// Stops and resumes deliveries to a destination, also across restarts. Errors: `not_found`,
  /// `overloaded`, `closed`, or why it cannot be remembered across restarts: then nothing changes.
  std::function<void(std::string destination, destination_switched)> pause;
  std::function<void(std::string destination, destination_switched)> resume;
  /// Looks up in their destinations what was delivered to them. Errors: `not_found` (no such
  /// destination), `overloaded`, `closed`, or what the log fails with.
  std::function<void(consistency_choice, consistency_done)> check_consistency;
  /// Reads the configuration again and takes it over, whole or not at all. Errors: `bad_config`,
  /// `overloaded`, `closed`.
  std::function<void(reload_done)> reload;
  /// Fetches the keys for JSON Web Tokens, with a bound on time and size.
  std::function<void(std::string url, std::function<void(core::result<std::string>)>)> fetch_jwks;
  /// Reads the files of the configuration and says what is wrong, or odd, in them; what is in force
  /// stays. Errors: `overloaded`, `closed`.
  std::function<void(lint_done)> lint;
  /// The interaction log: these three are empty where there is none. Errors of the last two:
  /// `overloaded`, `closed`, or what reading fails with.
  std::function<void(audit::record)> on_interaction;
  std::function<void(interaction_choice, interactions_done)> find_interactions;
  std::function<void(audit::filter, interactions_counted)> count_interactions;
  /// Asks a provider for the embedding of a content. Empty where none is configured.
  std::function<void(std::string_view content, embed_done)> embed;
  /// A recent snapshot.
  std::function<pipeline_state()> state;
  /// Starts an orderly stop of the program.
  std::function<void()> shutdown;
};

}  // namespace nexus::ingest
