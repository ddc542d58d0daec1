// The pending entries: where each one's line stands, in append order. Holds no text, so that its
// size does not depend on the size of the entries: 48 bytes an entry, 8 more in one hash table and
// 8 in a second one if it has an idempotency key, plus the slack of the tables (at worst as much
// again).
#pragma once

#include <array>
#include <atomic>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/keyed_hash.hpp"
#include "wal/entry_head.hpp"

namespace nexus::wal {

/// Where a line stands.
struct location {
  std::uint32_t segment = 0;  ///< the catalog's number of the segment
  std::uint32_t length = 0;   ///< without the newline
  std::uint64_t offset = 0;
  bool operator==(const location&) const = default;
};

/// Of (payload id, destination, n-th entry of that name).
using id_hash = core::keyed_hash::value;

/// An entry that has left the index.
struct removed_entry {
  location where;
  id_hash id;  ///< of the first entry of that name
  /// Its payload id where it is not the one that was asked for: an entry that shares its
  /// idempotency key.
  std::string follower_id;
};

/// Mostly one.
using removed_entries = boost::container::small_vector<removed_entry, 1>;

class pending_index {
 public:
  using position = std::uint64_t;

  /// What `next` finds.
  struct found {
    position at = 0;
    location where;
  };

  pending_index();
  pending_index(const pending_index&) = delete;
  pending_index& operator=(const pending_index&) = delete;

  /// What the index knows an entry by.
  struct name_hashes {
    id_hash id;             ///< of the first entry of its name
    std::uint64_t key = 0;  ///< of source, destination and idempotency key; 0: no key
  };
  /// Any thread: it looks at nothing that changes.
  name_hashes hashes_of(const entry_name& name) const {
    return {hash_id(name.payload_id, name.destination), hash_key(name)};
  }

  /// Adds an entry at the end. Where a pending entry has the same source, destination and
  /// (non-empty) idempotency key, the new one follows it: it is not handed on, and leaves together
  /// with the other. `same_key` is asked about an entry that seems to be such a one, and says
  /// whether it really is. `hashes`: of its name; `seconds`: the entry's time, Unix seconds.
  position add(const entry_name& name, const name_hashes& hashes, location where,
               std::uint32_t seconds, const std::function<bool(location)>& same_key);

  /// Removes the entries with this payload id, for `destination` or (empty) for all of them, and
  /// their followers.
  removed_entries remove(std::string_view payload_id, std::string_view destination);

  /// Stops handing on the entry at `at`, because its line can't be read any more.
  void withhold(position at);

  /// Whether the entry whose line stands at `where` is pending.
  bool contains(std::string_view payload_id, std::string_view destination, location where) const;

  /// Whether any entry of that name is pending.
  bool waits(std::string_view payload_id, std::string_view destination) const {
    return find(hash_id(payload_id, destination)).has_value();
  }

  /// Whether an entry is pending whose source, destination and idempotency key have this hash.
  bool has_key(std::uint64_t hash) const { return keys_.contains(hash); }

  /// Tells that the line of a pending entry has moved. False if it is not pending any more.
  bool relocate(std::string_view payload_id, std::string_view destination, location from,
                location to);

  /// The first entry at or after `from`, of `destination` if one is named. Followers are passed
  /// over.
  std::optional<found> next(position from, std::optional<std::string_view> destination) const;

  /// Entries waiting to be handed on; followers and withheld ones not counted. Any thread, also
  /// while the index is changed.
  std::uint64_t size() const noexcept { return waiting_.load(std::memory_order_relaxed); }

  /// Bytes of the lines of those entries, their newlines counted. Any thread, as above.
  std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  /// Where the next entry will stand.
  position end() const noexcept { return end_; }

  /// Unix seconds of the oldest pending entry.
  std::optional<std::uint32_t> oldest_seconds() const;

  /// Destinations with pending entries.
  std::vector<std::string> destinations() const;

  /// What one destination has pending.
  struct backlog {
    std::string destination;
    std::uint64_t entries = 0;
    std::uint32_t oldest_seconds = 0;  ///< Unix seconds of the first of them
  };
  /// Of every destination that has pending entries.
  std::vector<backlog> backlogs() const;

  /// The hash of the first entry of that name.
  id_hash hash_id(std::string_view payload_id, std::string_view destination,
                  std::uint32_t nth = 0) const;

  /// The hash of an entry's source, destination and idempotency key; 0 where the key is empty. Any
  /// thread: it looks at nothing that changes.
  std::uint64_t hash_key(const entry_name& name) const;

 private:
  enum class state : std::uint8_t { gone, waiting, following, withheld };
  /// Of a line with its newline.
  static std::uint64_t line_bytes(std::uint32_t length) { return length + std::uint64_t{1}; }
  struct record {
    id_hash id;
    std::uint64_t key;  ///< as in name_hashes
    std::uint64_t offset;
    std::uint32_t segment;
    std::uint32_t length;
    std::uint32_t seconds;
    std::uint16_t destination;
    state is;
    /// Of the first entry of its name: there may be others. Spares a look for the second one.
    bool has_namesakes;
  };
  static_assert(sizeof(record) == 48);
  static constexpr std::size_t chunk_records = 256;
  struct chunk {
    std::array<record, chunk_records> records;
    std::size_t live = 0;
  };
  struct follower {
    position leader;
    std::string payload_id;
  };

  // The tables hold positions cut to 32 bits; the index never spans more than 2^32 positions at
  // once. With each goes a part of the hash: a table grows, and passes over what it does not look
  // for, without touching the records, which are all over the memory.
  struct reference {
    std::uint32_t slot;
    std::uint32_t part;
  };
  static std::uint32_t part_of(const id_hash& id) { return static_cast<std::uint32_t>(id[0]); }
  static std::uint32_t part_of(std::uint64_t key) { return static_cast<std::uint32_t>(key); }
  /// Hashes and compares by the `member` of the records, an id_hash or a key.
  template <class Name, Name record::*member>
  struct by {
    using is_transparent = void;
    const pending_index* index;
    std::size_t operator()(reference to) const { return to.part; }
    std::size_t operator()(const Name& name) const { return part_of(name); }
    bool operator()(reference a, reference b) const { return a.slot == b.slot; }
    bool operator()(const Name& name, reference to) const {
      return to.part == part_of(name) && index->at(index->position_of(to.slot)).*member == name;
    }
    bool operator()(reference to, const Name& name) const { return (*this)(name, to); }
  };
  using by_id = by<id_hash, &record::id>;
  using by_key = by<std::uint64_t, &record::key>;

  /// Makes room for one more entry and returns its place.
  position grow();
  /// Lets go of chunks at the front whose entries are all gone.
  void trim();
  record& at(position where);
  const record& at(position where) const;
  /// What a table holds for the entry at `where`, whose `name` is an id_hash or a key.
  template <class Name>
  static reference refer(position where, const Name& name) {
    return {static_cast<std::uint32_t>(where), part_of(name)};
  }
  std::uint16_t intern(std::string_view destination);
  std::optional<std::uint16_t> interned(std::string_view destination) const;
  std::optional<position> find(const id_hash& id) const;
  position position_of(std::uint32_t slot) const;
  std::optional<position> find_at(std::string_view payload_id, std::string_view destination,
                                  location where) const;
  /// The entry at `place` follows the one that seems to have the same key, if it really has.
  void follow(record& slot, position place, position leader, std::string_view payload_id,
              const std::function<bool(location)>& same_key);
  /// Counts an entry as waiting from now on, or not any more.
  void begin_waiting(const record& slot);
  void end_waiting(const record& slot);
  void erase(position where);
  /// How many entries of that name there are, the first of which has the hash `first`: their
  /// numbers have no gap, so a few are asked for.
  std::uint32_t count_of_name(std::string_view payload_id, std::string_view destination,
                              const id_hash& first) const;
  /// Erases one of the entries of that name, and keeps the numbers of the others without a gap.
  void erase_of_name(position where, std::string_view payload_id, std::string_view destination);
  void remove_followers(position leader, removed_entries& out);

  const core::keyed_hash hash_;
  std::deque<std::unique_ptr<chunk>> chunks_;  ///< null: all its entries are gone
  position begin_ = 0;                         ///< of the first chunk
  position end_ = 0;
  std::atomic<std::uint64_t> waiting_{0};
  std::atomic<std::uint64_t> bytes_{0};  ///< of the lines of what is waiting, with their newlines
  boost::unordered_flat_set<reference, by_id, by_id> ids_;
  boost::unordered_flat_set<reference, by_key, by_key> keys_;
  std::unordered_map<position, follower> followers_;  ///< rare
  std::vector<std::string> destination_names_;
  std::vector<std::uint64_t> destination_live_;
  /// No entry of the destination waits before it; so a look need not begin at the front each time.
  mutable std::vector<position> destination_first_;
};

}  // namespace nexus::wal
