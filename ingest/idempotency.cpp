#include "ingest/idempotency.hpp"

#include <sodium.h>

#include <cstdint>
#include <utility>

namespace nexus::ingest {
namespace {

void hash(crypto_generichash_state& state, const void* bytes, std::size_t size) {
  crypto_generichash_update(&state, static_cast<const unsigned char*>(bytes), size);
}

// The source's length goes first: ("ab", "c") and ("a", "bc") are different keys.
idempotency_store::digest digest_of(std::string_view source, std::string_view key) {
  idempotency_store::digest out;
  const std::uint64_t source_size = source.size();
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, out.size());
  hash(state, &source_size, sizeof source_size);
  hash(state, source.data(), source.size());
  hash(state, key.data(), key.size());
  crypto_generichash_final(&state, out.data(), out.size());
  return out;
}

}  // namespace

idempotency_store::claim::claim(claim&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)),
      key_(other.key_),
      window_(other.window_),
      first_(other.first_) {}

idempotency_store::claim& idempotency_store::claim::operator=(claim&& other) noexcept {
  if (this == &other) return *this;
  drop();
  store_ = std::exchange(other.store_, nullptr);
  key_ = other.key_;
  window_ = other.window_;
  first_ = other.first_;
  return *this;
}

void idempotency_store::claim::settle(const original& written) {
  if (auto* store = std::exchange(store_, nullptr)) store->settle(key_, window_, written);
}

void idempotency_store::claim::drop() {
  if (auto* store = std::exchange(store_, nullptr)) store->drop(key_);
}

std::optional<idempotency_store::turn> idempotency_store::enter(std::string_view source,
                                                                std::string_view key,
                                                                std::chrono::seconds window,
                                                                waiter later) {
  const digest id = digest_of(source, key);
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = slots_.try_emplace(id);
  slot& found = at->second;
  if (is_new) {
    found.in_flight = std::make_shared<flight>();
    return turn(claim(this, id, window, true));
  }
  if (!found.in_flight) return turn(found.written);
  found.in_flight->waiters.push_back(std::move(later));
  return std::nullopt;
}

void idempotency_store::restore(std::string_view source, std::string_view key,
                                std::chrono::seconds window, const original& written,
                                core::time_point when) {
  const digest id = digest_of(source, key);
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = slots_.try_emplace(id);
  if (is_new) remember(id, at->second, written, when + window);
}

std::size_t idempotency_store::size() const {
  const std::lock_guard lock(mutex_);
  return settled_.size();
}

void idempotency_store::settle(const digest& key, std::chrono::seconds window,
                               const original& written) {
  std::deque<waiter> waiters;
  {
    const std::lock_guard lock(mutex_);
    slot& found = slots_.find(key)->second;
    waiters.swap(found.in_flight->waiters);
    remember(key, found, written, clock_() + window);
  }
  for (auto& tell : waiters) tell(written);
}

// Hands the claim to the next waiter. That one may drop it at once, in this very call, and so may
// all after it: the inner drop only leaves word, and the loop here goes on, so that the stack does
// not grow with the waiters.
void idempotency_store::drop(const digest& key) {
  std::unique_lock lock(mutex_);
  const auto current = slots_.find(key)->second.in_flight;
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
    next(claim(this, key, std::chrono::seconds(0), true));
    lock.lock();
    current->handing_over = false;
    if (!current->dropped) return;
  }
  slots_.erase(key);
}

void idempotency_store::remember(const digest& key, slot& where, const original& written,
                                 core::time_point expires) {
  where.written = written;
  where.expires = expires;
  where.in_flight = nullptr;
  settled_.push_back(key);
  while (settled_.size() > keys_max_) {
    slots_.erase(settled_.front());
    settled_.pop_front();
  }
}

}  // namespace nexus::ingest
