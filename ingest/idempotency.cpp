#include "ingest/idempotency.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

namespace nexus::ingest {
namespace {

/// Room that is made at once; a table for more keys grows.
constexpr std::size_t reserved_keys_max = 1'000'000;

/// So many expired keys are forgotten with each that is settled, of each window: more than one, or
/// they would never get fewer.
constexpr std::size_t forgotten_at_once = 4;

constexpr std::size_t id_digits = 32;

template <std::size_t size>
bool is_zero(const std::array<unsigned char, size>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](unsigned char one) { return one == 0; });
}

/// The bytes of an id as we make them; all zero for any other.
std::array<unsigned char, 16> bytes_of(std::string_view id) {
  std::array<unsigned char, 16> out{};
  if (id.size() != id_digits) return {};
  for (std::size_t i = 0; i < id_digits; ++i) {
    const char c = id[i];
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) return {};
    out[i / 2] = static_cast<unsigned char>(out[i / 2] << 4 | (is_digit ? c - '0' : c - 'a' + 10));
  }
  return out;
}

std::string text_of(const std::array<unsigned char, 16>& bytes) {
  std::array<char, id_digits + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  return {hex.data(), id_digits};
}

core::time_point end_of(std::chrono::seconds window, core::time_point from) {
  return window.count() == 0 ? core::time_point::max() : from + window;
}

}  // namespace

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
    : keys_max_(std::max<std::size_t>(keys_max, 1)), clock_(std::move(clock)) {
  settled_.reserve(std::min(keys_max_, reserved_keys_max));
}

std::optional<idempotency_store::turn> idempotency_store::enter(std::string_view source,
                                                                std::string_view key,
                                                                std::chrono::seconds window,
                                                                waiter later) {
  const digest id = digest_of_({source, key});
  const std::lock_guard lock(mutex_);
  const auto [at, is_free] = in_flight_.try_emplace(id);
  if (!is_free) {
    awaited(at->second).waiters.push_back(std::move(later));
    return std::nullopt;
  }
  if (const slot* known = find(id)) {
    in_flight_.erase(at);
    return turn(read(id, *known));
  }
  return turn(claim(this, id, window));
}

std::optional<std::vector<idempotency_store::item_turn>> idempotency_store::enter_all(
    std::string_view source, std::span<const std::string> keys, std::chrono::seconds window,
    std::function<void()> again) {
  std::vector<digest> ids(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (!keys[i].empty()) ids[i] = digest_of_({source, keys[i]});

  std::vector<item_turn> turns;
  turns.reserve(keys.size());
  std::unordered_map<digest, std::size_t, digest_hash> seen;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) continue;
    const auto held = in_flight_.find(ids[i]);
    if (held == in_flight_.end()) continue;
    awaited(held->second).watchers.push_back(std::move(again));
    return std::nullopt;
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) {
      turns.emplace_back(claim());
      continue;
    }
    const auto [first, is_new] = seen.try_emplace(ids[i], i);
    if (!is_new) {
      turns.emplace_back(repetition{first->second});
    } else if (const slot* known = find(ids[i])) {
      turns.emplace_back(read(ids[i], *known));
    } else {
      in_flight_.emplace(ids[i], nullptr);
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
  const std::lock_guard lock(mutex_);
  // A clock that was set back must not make a key last longer than its window.
  when = std::min(when, now);
  if (end_of(window, when) <= now) return;
  const auto known = settled_.find(id);
  if (known != settled_.end() && known->second.when > when) return;
  remember(id, window, written.payload_id, written.body, when);
}

std::size_t idempotency_store::size() const {
  const std::lock_guard lock(mutex_);
  return settled_.size();
}

void idempotency_store::settle_all(std::span<settlement> each) {
  const auto first =
      std::find_if(each.begin(), each.end(), [](auto& one) { return one.held.store_ != nullptr; });
  if (first != each.end()) first->held.store_->settle(each);
}

void idempotency_store::settle(std::span<settlement> each) {
  std::vector<std::pair<std::shared_ptr<flight>, const settlement*>> awaited_ones;
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_();
    for (auto& one : each) {
      if (std::exchange(one.held.store_, nullptr) == nullptr) continue;
      const auto at = in_flight_.find(one.held.key_);
      if (at->second) awaited_ones.emplace_back(std::move(at->second), &one);
      in_flight_.erase(at);
      remember(one.held.key_, one.held.window_, one.payload_id, one.body, now);
      forget_expired(now);
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
void idempotency_store::drop(const digest& key, std::chrono::seconds window) {
  std::unique_lock lock(mutex_);
  const auto at = in_flight_.find(key);
  const auto current = at->second;
  if (!current) {
    in_flight_.erase(at);
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
  in_flight_.erase(key);
  lock.unlock();
  for (auto& tell : current->watchers) tell();
}

idempotency_store::flight& idempotency_store::awaited(std::shared_ptr<flight>& one) {
  if (!one) one = std::make_shared<flight>();
  return *one;
}

const idempotency_store::slot* idempotency_store::find(const digest& key) {
  const auto known = settled_.find(key);
  if (known == settled_.end()) return nullptr;
  if (end_of(known->second.window, known->second.when) > clock_()) return &known->second;
  erase(key);
  return nullptr;
}

idempotency_store::original idempotency_store::read(const digest& key, const slot& from) const {
  return {is_zero(from.id) ? odd_ids_.at(key) : text_of(from.id), from.body};
}

void idempotency_store::remember(const digest& key, std::chrono::seconds window,
                                 std::string_view payload_id, const body_digest& body,
                                 core::time_point when) {
  const slot added{bytes_of(payload_id), body, when, window};
  const auto [at, is_new] = settled_.try_emplace(key, added);
  if (!is_new) {
    if (is_zero(at->second.id)) odd_ids_.erase(key);
    at->second = added;
  }
  if (is_zero(added.id)) odd_ids_[key] = payload_id;
  marks_[window].push_back({key, when});
  while (settled_.size() > keys_max_) forget_oldest();
}

void idempotency_store::forget_expired(core::time_point now) {
  for (auto next = marks_.begin(); next != marks_.end();) {
    const auto queue = next++;
    auto left = std::min(queue->second.size(), forgotten_at_once);
    for (; left > 0 && end_of(queue->first, queue->second.front().when) <= now; --left) pop(queue);
    if (queue->second.empty()) marks_.erase(queue);
  }
}

void idempotency_store::forget_oldest() {
  const auto oldest = std::min_element(
      marks_.begin(), marks_.end(),
      [](const auto& a, const auto& b) { return a.second.front().when < b.second.front().when; });
  pop(oldest);
  if (oldest->second.empty()) marks_.erase(oldest);
}

void idempotency_store::pop(mark_queues::iterator queue) {
  const mark first = queue->second.front();
  queue->second.pop_front();
  const auto known = settled_.find(first.key);
  if (known == settled_.end()) return;
  if (known->second.when == first.when && known->second.window == queue->first) erase(first.key);
}

void idempotency_store::erase(const digest& key) {
  const auto known = settled_.find(key);
  if (known == settled_.end()) return;
  if (is_zero(known->second.id)) odd_ids_.erase(key);
  settled_.erase(known);
}

idempotency_store::body_digest digest_of_body(std::string_view body) {
  idempotency_store::body_digest out;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(body.data()),
                     body.size(), nullptr, 0);
  return out;
}

}  // namespace nexus::ingest
