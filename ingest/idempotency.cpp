#include "ingest/idempotency.hpp"

#include <sodium.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <mutex>
#include <utility>

#include "ingest/settled_keys.hpp"

namespace nexus::ingest {

/// A claimed key that somebody waits for.
struct idempotency_store::flight {
  std::deque<waiter> waiters;
  std::vector<std::function<void()>> watchers;  ///< of the end of this flight
  bool handing_over = false;                    ///< `drop` is calling a waiter
  bool dropped = false;                         ///< and that waiter has dropped its claim
};

struct idempotency_store::state {
  explicit state(std::size_t keys_max) : settled(keys_max) {}

  static flight& flight_of(std::shared_ptr<flight>& of) {
    if (!of) of = std::make_shared<flight>();
    return *of;
  }
  /// What the key stands for; if it stands for nothing it is claimed now.
  std::optional<original> read_or_claim(const digest& key, core::time_point now) {
    auto written = settled.read(key, now);
    if (!written) claimed.emplace(key, nullptr);
    return written;
  }

  std::mutex mutex;
  /// Keys in flight, and who waits for them: mostly nobody.
  boost::unordered_flat_map<digest, std::shared_ptr<flight>, digest_hash> claimed;
  settled_keys settled;
};

idempotency_store::claim::claim(claim&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), key_(other.key_), window_(other.window_) {}

idempotency_store::claim& idempotency_store::claim::operator=(claim&& other) noexcept {
  if (this == &other) return *this;
  drop();
  store_ = std::exchange(other.store_, nullptr);
  key_ = other.key_;
  window_ = other.window_;
  return *this;
}

void idempotency_store::claim::settle(const original& written) {
  settlement one{std::move(*this), written.payload_id, written.body};
  settle_all(std::span(&one, 1));
}

void idempotency_store::claim::drop() {
  if (auto* store = std::exchange(store_, nullptr)) store->drop(key_, window_);
}

idempotency_store::idempotency_store(std::size_t keys_max, core::wall_clock clock)
    : clock_(std::move(clock)), state_(std::make_unique<state>(keys_max)) {}
idempotency_store::~idempotency_store() = default;

std::optional<idempotency_store::turn> idempotency_store::enter(std::string_view source,
                                                                std::string_view key,
                                                                std::chrono::seconds window,
                                                                waiter later) {
  const digest id = digest_of_({source, key});
  const std::lock_guard lock(state_->mutex);
  if (const auto held = state_->claimed.find(id); held != state_->claimed.end()) {
    state::flight_of(held->second).waiters.push_back(std::move(later));
    return std::nullopt;
  }
  if (auto written = state_->read_or_claim(id, clock_())) return *std::move(written);
  return claim(this, id, window);
}

std::optional<std::vector<idempotency_store::item_turn>> idempotency_store::enter_all(
    std::string_view source, std::span<const std::string> keys, std::chrono::seconds window,
    std::function<void()> again) {
  std::vector<digest> ids(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (!keys[i].empty()) ids[i] = digest_of_({source, keys[i]});

  std::vector<item_turn> turns;
  turns.reserve(keys.size());
  boost::unordered_flat_map<digest, std::size_t, digest_hash> seen;
  seen.reserve(keys.size());
  const std::lock_guard lock(state_->mutex);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) continue;
    const auto held = state_->claimed.find(ids[i]);
    if (held == state_->claimed.end()) continue;
    state::flight_of(held->second).watchers.push_back(std::move(again));
    return std::nullopt;
  }
  const auto now = clock_();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) {
      turns.emplace_back(claim());
      continue;
    }
    const auto [first, is_new] = seen.try_emplace(ids[i], i);
    if (!is_new) {
      turns.emplace_back(repetition{first->second});
    } else if (auto written = state_->read_or_claim(ids[i], now)) {
      turns.emplace_back(*std::move(written));
    } else {
      turns.emplace_back(claim(this, ids[i], window));
    }
  }
  return turns;
}

void idempotency_store::restore(std::string_view source, std::string_view key,
                                std::chrono::seconds window, const original& written,
                                core::time_point when) {
  const digest id = digest_of_({source, key});
  const auto now = clock_();
  const std::lock_guard lock(state_->mutex);
  // A clock that was set back must not make a key last longer than its window.
  when = std::min(when, now);
  if (end_of(window, when) <= now) return;
  // What claims it now is about to say what it stands for.
  if (state_->claimed.contains(id) || state_->settled.is_newer(id, when)) return;
  state_->settled.remember(id, window, written.payload_id, written.body, when);
}

std::size_t idempotency_store::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->settled.size();
}

void idempotency_store::settle_all(std::span<settlement> each) {
  const auto first =
      std::find_if(each.begin(), each.end(), [](auto& one) { return one.held.store_ != nullptr; });
  if (first != each.end()) first->held.store_->settle(each);
}

void idempotency_store::settle(std::span<settlement> each) {
  std::vector<std::pair<std::shared_ptr<flight>, const settlement*>> awaited_ones;
  {
    const std::lock_guard lock(state_->mutex);
    auto& claimed = state_->claimed;
    auto& settled = state_->settled;
    const auto now = clock_();
    for (auto& one : each) {
      if (std::exchange(one.held.store_, nullptr) == nullptr) continue;
      const auto held = claimed.find(one.held.key_);
      if (held->second) awaited_ones.emplace_back(std::move(held->second), &one);
      claimed.erase(held);
      settled.remember(one.held.key_, one.held.window_, one.payload_id, one.body, now);
      settled.forget_expired(now);
    }
  }
  for (const auto& [ended, one] : awaited_ones) {
    const original written{std::string(one->payload_id), one->body};
    for (auto& tell : ended->waiters) tell(written);
    for (auto& tell : ended->watchers) tell();
  }
}

// Hands the claim to the next waiter. That one may drop it at once, in this very call, and so may
// all after it: the inner drop only leaves word, and the loop here goes on, so that the stack does
// not grow with the waiters. The window stays: all of them are requests of one source.
void idempotency_store::drop(digest key, std::chrono::seconds window) {
  std::unique_lock lock(state_->mutex);
  const auto held = state_->claimed.find(key);
  const auto current = held->second;
  if (!current) {
    state_->claimed.erase(held);
    return;
  }
  if (current->handing_over) {
    current->dropped = true;
    return;
  }
  while (!current->waiters.empty()) {
    const waiter next = std::move(current->waiters.front());
    current->waiters.pop_front();
    current->handing_over = true;
    current->dropped = false;
    lock.unlock();
    next(claim(this, key, window));
    lock.lock();
    current->handing_over = false;
    if (!current->dropped) return;
  }
  state_->claimed.erase(key);
  lock.unlock();
  for (auto& tell : current->watchers) tell();
}

idempotency_store::body_digest digest_of_body(std::string_view body, std::string_view more) {
  idempotency_store::body_digest out;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, out.size());
  for (const auto part : {body, more})
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()),
                              part.size());
  crypto_generichash_final(&state, out.data(), out.size());
  return out;
}

}  // namespace nexus::ingest
