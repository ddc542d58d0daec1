// One answer for all requests of a source with the same idempotency key.
//
// Differs from v0.1.2 (section 3.3) on purpose: keys belong to their source, checking and taking a
// key is one step, a key stands for its payload as long as the source's window says, and memory is
// bounded. Decision 0013 says what holds over a restart.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/keyed_hash.hpp"
#include "core/timestamp.hpp"

namespace nexus::ingest {

/// Remembers which payload a key stands for. The first request with a key holds a `claim` on it
/// until it has succeeded (`settle`) or failed (the claim is destroyed); others with the same key
/// wait meanwhile. Any thread.
///
/// No deadlock: a request waits only while it holds no claim. One that needs several keys asks for
/// all of them with `enter_all`, which gives it everything in one step or nothing.
///
/// Memory: digests and ids of fixed length, about 115 bytes a key however long keys are (measured
/// with a million of them), in a table whose buckets are there from the start: no request waits
/// while it grows. A key whose window is over gives its memory back when others are settled.
class idempotency_store {
  struct slot;
  using digest = core::keyed_hash::value;
  using place = std::pair<const digest, slot>;

 public:
  /// Of a request's body; all zero: not known.
  using body_digest = std::array<unsigned char, 16>;

  /// What a key stands for.
  struct original {
    std::string payload_id;
    body_digest body{};
  };

  /// The right, and the duty, to decide what a key stands for. Must not outlive its store.
  class claim {
   public:
    /// On no key at all: settling it does nothing.
    claim() = default;
    claim(claim&& other) noexcept;
    claim& operator=(claim&& other) noexcept;
    ~claim() { drop(); }

    /// From now on the key stands for this payload, until its window is over; waiting requests are
    /// told.
    void settle(const original& written);

   private:
    friend class idempotency_store;
    claim(idempotency_store* store, place* key, std::chrono::seconds window)
        : store_(store), key_(key), window_(window) {}
    void drop();

    idempotency_store* store_ = nullptr;
    place* key_ = nullptr;  ///< in the store's table, where it stays as long as it is claimed
    std::chrono::seconds window_{};
  };

  /// What the key stands for, or a claim on the key.
  using turn = std::variant<original, claim>;
  using waiter = std::function<void(turn)>;

  /// An earlier item of the same request has the same key.
  struct repetition {
    std::size_t of = 0;  ///< its index
  };
  using item_turn = std::variant<original, claim, repetition>;

  /// `keys_max`: settled keys remembered, at least 1; above it the ones settled first are
  /// forgotten. Keys in flight do not count. A request has as many of them as it has entries with
  /// one, at most `max_batch_entries`, and how many requests there are at a time is the server's to
  /// bound (server_options). One that nobody waits for takes about 90 bytes.
  explicit idempotency_store(std::size_t keys_max, core::wall_clock clock = core::now);

  /// What is settled with others of the same request.
  struct settlement {
    claim held;
    std::string_view payload_id;
    body_digest body{};
  };
  /// Settles them in one step. All claims are of one store; one on no key is passed over.
  static void settle_all(std::span<settlement> each);

  /// Asks for a key. Nothing: another request holds it, and `later` will be called once, from the
  /// thread in which that request settles or drops its claim. `window`: how long the key stands for
  /// what is written now; 0: for ever.
  std::optional<turn> enter(std::string_view source, std::string_view key,
                            std::chrono::seconds window, waiter later);

  /// Asks for several keys in one step: a turn for each, in order; an empty key gets a claim on no
  /// key. Nothing: another request holds one of them, and this one got none; `again` will be called
  /// once, from the thread in which that request ends: then ask again. Drop claims on items that
  /// fail, settle the others.
  std::optional<std::vector<item_turn>> enter_all(std::string_view source,
                                                  std::span<const std::string> keys,
                                                  std::chrono::seconds window,
                                                  std::function<void()> again);

  /// Remembers a key from an earlier run, written at `when`. Of several entries with one key the
  /// one written last counts: the key was free when it came. One whose window is over is not
  /// remembered.
  void restore(std::string_view source, std::string_view key, std::chrono::seconds window,
               const original& written, core::time_point when);

  /// Settled keys held, some of them perhaps expired.
  std::size_t size() const;

 private:
  struct digest_hash {
    std::size_t operator()(const digest& key) const noexcept { return key[0]; }
  };
  /// The bytes of a payload id.
  using id_bytes = std::array<unsigned char, 16>;
  /// A key that is claimed or settled.
  struct slot {
    id_bytes id{};  ///< the payload id's 16 bytes, or all zero: it is in `odd_ids_`
    body_digest body{};
    core::time_point when{};        ///< it was settled
    std::chrono::seconds window{};  ///< 0: for ever
    bool is_claimed = false;        ///< then the others say nothing
  };
  /// A claimed key that somebody waits for.
  struct flight {
    std::deque<waiter> waiters;
    std::vector<std::function<void()>> watchers;  ///< of the end of this flight
    bool handing_over = false;                    ///< `drop` is calling a waiter
    bool dropped = false;                         ///< and that waiter has dropped its claim
  };
  /// A key that was settled once; its window may be over, and it may have been settled anew since.
  struct mark {
    digest key;
    core::time_point when;
  };
  using mark_queues = std::map<std::chrono::seconds, std::deque<mark>>;

  void settle(std::span<settlement> each);
  void drop(place& key, std::chrono::seconds window);
  // The rest with the mutex held.
  flight& flight_of(const digest& key);
  /// The key's place, claimed just now; or settled.
  place& find_or_claim(const digest& key);
  original read(const place& from) const;
  void remember(place& key, std::chrono::seconds window, std::string_view payload_id,
                const body_digest& body, core::time_point when);
  void forget_expired(core::time_point now);
  void forget_oldest();
  void pop(mark_queues::iterator queue);
  /// A settled key stands for nothing any more.
  void forget(place& key);

  const std::size_t keys_max_;
  const core::wall_clock clock_;
  const core::keyed_hash digest_of_;  ///< of source and key
  mutable std::mutex mutex_;
  std::unordered_map<digest, slot, digest_hash> keys_;
  std::size_t settled_ = 0;  ///< of keys_
  /// Claimed keys that somebody waits for: few.
  std::unordered_map<digest, std::shared_ptr<flight>, digest_hash> awaited_;
  /// By window, oldest first: those of one window expire in the order in which they were settled.
  /// No queue is empty, and each settled key has one mark that fits its expiry.
  mark_queues marks_;
  /// Payload ids that are not 32 lower-case hexadecimal digits: only logs of others have some.
  std::unordered_map<digest, std::string, digest_hash> odd_ids_;
};

/// The digest of a body, for `original`, and of what follows it. Never all zero.
idempotency_store::body_digest digest_of_body(std::string_view body, std::string_view more = {});

}  // namespace nexus::ingest
