// One answer for all requests of a source with the same idempotency key.
//
// Differs from v0.1.2 (section 3.3) on purpose: keys belong to their source, checking and taking a
// key is one step, and memory is bounded.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "core/timestamp.hpp"

namespace nexus::ingest {

/// Remembers which payload a key stands for. The first request with a key holds a `claim` on it
/// until it has succeeded
/// (`settle`) or failed (the claim is destroyed); others with the same key wait meanwhile. Any
/// thread.
///
/// Memory: a digest of each key, so about 200 bytes a key, however long keys are.
class idempotency_store {
 public:
  using digest = std::array<unsigned char, 32>;

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
    claim() = default;
    claim(claim&& other) noexcept;
    claim& operator=(claim&& other) noexcept;
    ~claim() { drop(); }

    /// From now on the key stands for this payload, until its window is over; waiting requests are
    /// told.
    void settle(const original& written);

    /// No entry with this key can be pending: the key has never been seen, and none has been
    /// forgotten. Where it is false the log must not get the key in the entry's idempotency_key: it
    /// hands on entries of one source and key once while the first of them is pending (decision
    /// 0006).
    bool is_first() const noexcept { return first_; }

   private:
    friend class idempotency_store;
    claim(idempotency_store* store, const digest& key, std::chrono::seconds window, bool first)
        : store_(store), key_(key), window_(window), first_(first) {}
    void drop();

    idempotency_store* store_ = nullptr;
    digest key_{};
    std::chrono::seconds window_{};
    bool first_ = false;
  };

  /// What the key stands for, or a claim on the key.
  using turn = std::variant<original, claim>;
  using waiter = std::function<void(turn)>;

  /// `keys_max`: settled keys remembered; above it the ones settled first are forgotten. Keys in
  /// flight do not count: there are never more of them than requests.
  explicit idempotency_store(std::size_t keys_max, core::wall_clock clock = core::now)
      : keys_max_(keys_max), clock_(std::move(clock)) {}

  /// Asks for a key. Nothing: another request holds it, and `later` will be called once, from the
  /// thread in which that request settles or drops its claim. `window`: how long the key stands for
  /// what is written now; 0: for ever.
  std::optional<turn> enter(std::string_view source, std::string_view key,
                            std::chrono::seconds window, waiter later);

  /// Remembers a key from an earlier run, written at `when`. Entries are restored in the order of
  /// the log: one whose window was over when the next with its key was written gives way to it;
  /// within the window the first one stays.
  void restore(std::string_view source, std::string_view key, std::chrono::seconds window,
               const original& written, core::time_point when);

  /// Settled keys held.
  std::size_t size() const;

 private:
  struct flight {
    std::deque<waiter> waiters;
    bool handing_over = false;  ///< `drop` is calling a waiter
    bool dropped = false;       ///< and that waiter has dropped its claim meanwhile
  };
  struct slot {
    original written;                   ///< of a settled key
    core::time_point expires{};         ///< of a settled key; max(): never
    std::shared_ptr<flight> in_flight;  ///< of a claimed one
  };
  struct digest_hash {
    std::size_t operator()(const digest& key) const noexcept {
      std::size_t value = 0;
      std::memcpy(&value, key.data(), sizeof value);
      return value;
    }
  };

  void settle(const digest& key, std::chrono::seconds window, const original& written);
  void drop(const digest& key);
  void remember(const digest& key, slot& where, const original& written, core::time_point expires);

  const std::size_t keys_max_;
  const core::wall_clock clock_;
  mutable std::mutex mutex_;
  std::unordered_map<digest, slot, digest_hash> slots_;
  std::deque<digest> settled_;  ///< oldest first
};

}  // namespace nexus::ingest
