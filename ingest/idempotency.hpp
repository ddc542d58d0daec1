// One answer for all requests of a source with the same idempotency key.
//
// Differs from v0.1.2 (section 3.3) on purpose: keys belong to their source, checking and taking a
// key is one step, and memory is bounded.
#pragma once

#include <array>
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

  /// The right, and the duty, to decide what a key stands for. Must not outlive its store.
  class claim {
   public:
    claim() = default;
    claim(claim&& other) noexcept;
    claim& operator=(claim&& other) noexcept;
    ~claim() { drop(); }

    /// From now on the key stands for this payload; waiting requests are told.
    void settle(const std::string& payload_id);

   private:
    friend class idempotency_store;
    claim(idempotency_store* store, const digest& key) : store_(store), key_(key) {}
    void drop();

    idempotency_store* store_ = nullptr;
    digest key_{};
  };

  /// The id of the payload that the key stands for, or a claim on the key.
  using turn = std::variant<std::string, claim>;
  using waiter = std::function<void(turn)>;

  /// `keys_max`: settled keys remembered; above it the ones settled first are forgotten. Keys in
  /// flight do not count: there are never more of them than requests.
  explicit idempotency_store(std::size_t keys_max) : keys_max_(keys_max) {}

  /// Asks for a key. Nothing: another request holds it, and `later` will be called once, from the
  /// thread in which that request settles or drops its claim.
  std::optional<turn> enter(std::string_view source, std::string_view key, waiter later);

  /// Remembers a key from an earlier run; the first payload of a key stays.
  void restore(std::string_view source, std::string_view key, const std::string& payload_id);

  /// Settled keys held.
  std::size_t size() const;

 private:
  struct flight {
    std::deque<waiter> waiters;
    bool handing_over = false;  ///< `drop` is calling a waiter
    bool dropped = false;       ///< and that waiter has dropped its claim meanwhile
  };
  struct slot {
    std::string payload_id;             ///< of a settled key
    std::shared_ptr<flight> in_flight;  ///< of a claimed one
  };
  struct digest_hash {
    std::size_t operator()(const digest& key) const noexcept {
      std::size_t value = 0;
      std::memcpy(&value, key.data(), sizeof value);
      return value;
    }
  };

  void settle(const digest& key, const std::string& payload_id);
  void drop(const digest& key);
  void remember(const digest& key, slot& where, const std::string& payload_id);

  const std::size_t keys_max_;
  mutable std::mutex mutex_;
  std::unordered_map<digest, slot, digest_hash> slots_;
  std::deque<digest> settled_;  ///< oldest first
};

}  // namespace nexus::ingest
