// One answer for all requests of a source with the same idempotency key.
//
// Differs from v0.1.2 (section 3.3) on purpose: keys belong to their source, checking and taking a
// key is one step, a key stands for its payload as long as the source's window says, and memory is
// bounded. Decision 0013 says what holds over a restart.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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
/// Memory: about 95 bytes a key however long keys are, see settled_keys. A key whose window is over
/// gives its memory back when others are settled.
class idempotency_store {
  using digest = core::keyed_hash::value;

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
    claim(idempotency_store* store, const digest& key, std::chrono::seconds window)
        : store_(store), key_(key), window_(window) {}
    void drop();

    idempotency_store* store_ = nullptr;
    digest key_{};
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
  /// bound (server_options). One that nobody waits for takes about 80 bytes.
  explicit idempotency_store(std::size_t keys_max, core::wall_clock clock = core::now);
  ~idempotency_store();

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
  struct flight;
  struct state;

  void settle(std::span<settlement> each);
  void drop(digest key, std::chrono::seconds window);

  const core::wall_clock clock_;
  const core::keyed_hash digest_of_;  ///< of source and key
  const std::unique_ptr<state> state_;
};

/// The digest of a body, for `original`, and of what follows it. Never all zero.
idempotency_store::body_digest digest_of_body(std::string_view body, std::string_view more = {});

}  // namespace nexus::ingest
