#include "ingest/idempotency.hpp"

#include <sodium.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <utility>

namespace nexus::ingest {
namespace {

/// Room that is made at once; a table for more keys grows.
constexpr std::size_t reserved_keys_max = 1'000'000;

/// And for those that are claimed meanwhile.
constexpr std::size_t reserved_claims = 50'000;

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
  if (auto* store = std::exchange(store_, nullptr)) store->drop(*key_, window_);
}

idempotency_store::idempotency_store(std::size_t keys_max, core::wall_clock clock)
    : keys_max_(std::max<std::size_t>(keys_max, 1)), clock_(std::move(clock)) {
  keys_.reserve(std::min(keys_max_, reserved_keys_max) + reserved_claims);
}

std::optional<idempotency_store::turn> idempotency_store::enter(std::string_view source,
                                                                std::string_view key,
                                                                std::chrono::seconds window,
                                                                waiter later) {
  const digest id = digest_of_({source, key});
  const std::lock_guard lock(mutex_);
  const auto known = keys_.find(id);
  if (known != keys_.end() && known->second.is_claimed) {
    flight_of(id).waiters.push_back(std::move(later));
    return std::nullopt;
  }
  auto& there = find_or_claim(id);
  return there.second.is_claimed ? turn(claim(this, &there, window)) : turn(read(there));
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
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) continue;
    const auto held = keys_.find(ids[i]);
    if (held == keys_.end() || !held->second.is_claimed) continue;
    flight_of(ids[i]).watchers.push_back(std::move(again));
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
    } else if (auto& there = find_or_claim(ids[i]); there.second.is_claimed) {
      turns.emplace_back(claim(this, &there, window));
    } else {
      turns.emplace_back(read(there));
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
  const auto [known, is_new] = keys_.try_emplace(id);
  // What claims it now is about to say what it stands for.
  if (!is_new && (known->second.is_claimed || known->second.when > when)) return;
  if (!is_new) forget(*known);
  remember(*known, window, written.payload_id, written.body, when);
}

std::size_t idempotency_store::size() const {
  const std::lock_guard lock(mutex_);
  return settled_;
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
      auto& key = *one.held.key_;
      if (auto waited = awaited_.extract(key.first))
        awaited_ones.emplace_back(std::move(waited.mapped()), &one);
      remember(key, one.held.window_, one.payload_id, one.body, now);
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
void idempotency_store::drop(place& key, std::chrono::seconds window) {
  std::unique_lock lock(mutex_);
  const auto at = awaited_.find(key.first);
  if (at == awaited_.end()) {
    keys_.erase(digest(key.first));
    return;
  }
  const auto current = at->second;
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
    next(claim(this, &key, window));
    lock.lock();
    current->handing_over = false;
    if (!current->dropped) return;
  }
  awaited_.erase(key.first);
  keys_.erase(digest(key.first));
  lock.unlock();
  for (auto& tell : current->watchers) tell();
}

idempotency_store::flight& idempotency_store::flight_of(const digest& key) {
  auto& one = awaited_[key];
  if (!one) one = std::make_shared<flight>();
  return *one;
}

idempotency_store::place& idempotency_store::find_or_claim(const digest& key) {
  const auto [at, is_new] = keys_.try_emplace(key);
  auto& there = at->second;
  if (!is_new && end_of(there.window, there.when) > clock_()) return *at;
  if (!is_new) forget(*at);
  there.is_claimed = true;
  return *at;
}

idempotency_store::original idempotency_store::read(const place& from) const {
  const auto& [key, written] = from;
  return {is_zero(written.id) ? odd_ids_.at(key) : text_of(written.id), written.body};
}

void idempotency_store::remember(place& key, std::chrono::seconds window,
                                 std::string_view payload_id, const body_digest& body,
                                 core::time_point when) {
  key.second = {bytes_of(payload_id), body, when, window, false};
  if (is_zero(key.second.id)) odd_ids_[key.first] = payload_id;
  marks_[window].push_back({key.first, when});
  ++settled_;
  while (settled_ > keys_max_) forget_oldest();
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
  const auto known = keys_.find(first.key);
  if (known == keys_.end() || known->second.is_claimed) return;
  if (known->second.when != first.when || known->second.window != queue->first) return;
  forget(*known);
  keys_.erase(known);
}

void idempotency_store::forget(place& key) {
  if (is_zero(key.second.id)) odd_ids_.erase(key.first);
  --settled_;
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
