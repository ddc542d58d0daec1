// What idempotency keys stand for, in bounded memory. Not a public header: it names Boost's types.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/huge_pages.hpp"
#include "core/keyed_hash.hpp"
#include "core/timestamp.hpp"
#include "ingest/idempotency.hpp"

namespace nexus::ingest {

/// The hash of a digest is a part of it: of a keyed hash each bit is as good as the others.
struct digest_hash {
  using is_avalanching = void;
  std::size_t operator()(const core::keyed_hash::value& key) const noexcept { return key[0]; }
};

/// When a window that began at `from` is over; 0: never.
core::time_point end_of(std::chrono::seconds window, core::time_point from);

/// Keys that have been settled, each until its window is over. One thread at a time.
///
/// Memory: digests and ids of fixed length, about 95 bytes a key (measured with a million of them).
/// What the keys stand for lies in the order in which they were settled, and a small table says
/// where: no cache holds all of it, and remembering a key or forgetting the oldest one reaches for
/// few places only that are not likely to be there. The table is there from the start, so that
/// nobody waits while it grows.
class settled_keys {
 public:
  using digest = core::keyed_hash::value;
  using original = idempotency_store::original;

  /// `keys_max`: above it those are forgotten that were settled first; at least 1. Records that do
  /// not count any more, of keys that were settled anew, are as many at most.
  explicit settled_keys(std::size_t keys_max);
  settled_keys(const settled_keys&) = delete;
  settled_keys& operator=(const settled_keys&) = delete;

  /// What a key stands for; nothing if its window is over, and then it is forgotten.
  std::optional<original> read(const digest& key, core::time_point now);
  /// Whether the key was settled after that.
  bool is_newer(const digest& key, core::time_point than) const;
  /// From now on the key stands for this, and for nothing that it stood for before.
  void remember(const digest& key, std::chrono::seconds window, std::string_view payload_id,
                const idempotency_store::body_digest& body, core::time_point when);
  /// Gives back the memory of some whose window is over: of more than one, so that calling it for
  /// each key that is remembered is enough.
  void forget_expired(core::time_point now);

  std::size_t size() const noexcept { return places_.size(); }

 private:
  /// What a key was settled with. It counts as long as its place is in `places_`: its window may be
  /// over, and the key may have been claimed or settled anew since.
  struct record {
    digest key;
    std::array<unsigned char, 16> id;  ///< of the payload; all zero: it is in `odd_ids_`
    idempotency_store::body_digest body;
    core::time_point when;
  };
  /// The keys of one window, in the order in which they were settled: that in which they expire.
  struct queue {
    std::chrono::seconds window;  ///< 0: for ever
    std::deque<record> records;
    std::uint32_t first = 0;  ///< the number of the first one; from there they count on, and over

    const record& at(std::uint32_t number) const { return records[number - first]; }
  };
  /// Of a record.
  struct place {
    std::uint32_t in;  ///< index of its queue
    std::uint32_t number;
    bool operator==(const place&) const = default;
  };
  /// In the table a place stands for the key that is there.
  struct by_key {
    using is_transparent = void;
    using is_avalanching = void;
    const std::vector<queue>* queues;

    const digest& key(const place& of) const noexcept { return (*queues)[of.in].at(of.number).key; }
    const digest& key(const digest& of) const noexcept { return of; }
    std::size_t operator()(const auto& of) const noexcept { return digest_hash()(key(of)); }
    bool operator()(const auto& a, const auto& b) const noexcept { return key(a) == key(b); }
  };
  using table =
      boost::unordered_flat_set<place, by_key, by_key, core::huge_page_allocator<place>>;

  const record& record_at(const place& where) const { return queues_[where.in].at(where.number); }
  queue& queue_of(std::chrono::seconds window);
  /// Of the record with that index in a queue, which may be the next one to come.
  place place_of(const queue& of, std::size_t index) const;
  std::size_t count_records() const;
  void forget_oldest();
  /// Forgets the first record of a queue, and its key if it still counts.
  void pop(queue& from);
  /// The key stands for nothing any more; its record does not count from now on.
  void forget(table::iterator known);

  const std::size_t keys_max_;
  /// One for each window. An empty one serves the next window that has none.
  std::vector<queue> queues_;
  table places_;
  /// Payload ids that are not 32 lower-case hexadecimal digits: only logs of others have some.
  std::unordered_map<digest, std::string, digest_hash> odd_ids_;
};

}  // namespace nexus::ingest
