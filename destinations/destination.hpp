// What a destination is: the place that entries are delivered to. Implement `destination` (and
// `reader`, if what was written can be read back), register it under a type name (registry.hpp),
// and name that type in a config file.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "core/result.hpp"
#include "core/setting.hpp"

namespace nexus::destinations {

/// What became of one entry in one attempt, named for the reaction.
enum class outcome_kind : std::uint8_t {
  delivered,     ///< It is there and survives a crash of the destination, or it was there already.
  transient,     ///< Refused this time; try again after a backoff. Counts as an attempt.
  unreachable,   ///< The destination could not be asked; wait until it answers. Counts no attempt.
  config_fault,  ///< Credentials, rights or schema are wrong: pause this destination until a person
                 ///< mends it.
  permanent,     ///< The destination will never take this entry: dead letter at once.
};

const char* to_string(outcome_kind kind) noexcept;

struct outcome {
  outcome_kind kind = outcome_kind::delivered;
  /// Why, for every kind but `delivered`. One line, without secrets and without the entry's
  /// contents.
  std::string reason;
  /// How long the destination asked to be left alone.
  std::optional<std::chrono::milliseconds> retry_after;
};

/// A place that entries are delivered to.
///
/// Threads: one instance belongs to one worker and is called from that worker's thread only; it may
/// block. Instances of the same destination run at the same time where `workers` is above 1.
///
/// Delivery is at least once: after a crash or a lost answer the same payload id comes again, and
/// the destination must take it as delivered without storing it twice.
class destination {
 public:
  virtual ~destination() = default;

  /// Delivers a batch. Returns one outcome for each entry, in the same order; anything else, or an
  /// exception, is a breakdown: the entries stay pending, no attempt is counted, and another
  /// instance takes over. An entry reported as `delivered` must survive a crash of this process.
  virtual std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) = 0;

  /// Whether it would take an entry now: connected, schema and rights in order. Writes and creates
  /// nothing; what the first delivery would create (a file, a table) need not be there if it may be
  /// created. Errors: `unreachable` (try again), `bad_config` (a person must mend it).
  virtual core::result<void> ping() = 0;

  /// For each payload id whether it is there. Error `unsupported` where that cannot be asked.
  virtual core::result<std::vector<bool>> exists(std::span<const std::string> payload_ids);
};

/// What GET /query asks for; every filter is a bound parameter, never part of a statement's text.
struct query {
  std::string name_space;   ///< Rows of this namespace only.
  std::string destination;  ///< Rows of this destination only.
  std::string text;         ///< Substring of the content; empty: any.
  std::string subject;      ///< Empty: any.
  std::string actor_type;   ///< Empty: any.
  std::size_t limit = 20;
  std::size_t offset = 0;
};

struct query_page {
  /// TranslatedPayload objects (section 3.4 of the v0.1.2 behaviour) as JSON, newest first. At most
  /// `limit`; fewer, with `has_more`, where they are large. The next page begins `records.size()`
  /// rows further on.
  std::vector<std::string> records;
  bool has_more = false;
};

/// Reads back what a destination wrote. One instance belongs to one thread.
class reader {
 public:
  virtual ~reader() = default;
  virtual core::result<query_page> find(const query& what) = 0;
  /// Rows in all.
  virtual core::result<std::uint64_t> count() = 0;
};

/// One destination's own settings, as its factory sees them: the keys of its TOML table, secrets
/// resolved, `~` expanded in paths.
struct settings {
  std::string name;
  std::string type;
  core::setting_values values;
  /// How long a call may take, connecting included. A call that takes much longer (a quarter, and
  /// at least a second) counts as hung: nobody waits for it any more, and a new instance takes
  /// over.
  std::chrono::milliseconds timeout{30'000};
  /// The most entries of one batch.
  std::size_t batch_entries_max = 256;

  bool operator==(const settings&) const = default;

  /// The value of a key; empty if it is absent.
  const std::string& text(const std::string& key) const;
  /// The value of an integer that has a fallback or is required.
  std::int64_t number(const std::string& key) const;
  /// The value of a boolean; false if it is absent.
  bool flag(const std::string& key) const;
  /// The members of a table, without its name.
  core::setting_values table(const std::string& key) const;
};

}  // namespace nexus::destinations
