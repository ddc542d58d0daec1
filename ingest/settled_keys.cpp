#include "ingest/settled_keys.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstddef>

namespace nexus::ingest {
namespace {

/// Room that is made at once; a table for more keys grows.
constexpr std::size_t reserved_keys_max = 1'000'000;

/// For so many times as many. A table that is not a quarter full has hardly a group of slots that
/// overflows; one that is half full has, and where keys come and go all the time it is made anew
/// after some ten millions of them, while everybody waits.
constexpr std::size_t sparseness = 2;

/// So many expired keys are forgotten with each that is settled, of each window: more than one, or
/// they would never get fewer.
constexpr std::size_t forgotten_at_once = 4;

constexpr std::size_t id_digits = 32;

template <std::size_t size>
bool is_zero(const std::array<unsigned char, size>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](unsigned char one) { return one == 0; });
}

constexpr unsigned char no_digit = 0xff;

/// The value of each lower-case hexadecimal digit. A table, because digits and letters come at
/// random, and the processor would guess wrong about every second one.
constexpr auto digit_values = [] {
  std::array<unsigned char, 256> all{};
  all.fill(no_digit);
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < digits.size(); ++i)
    all[static_cast<unsigned char>(digits[i])] = static_cast<unsigned char>(i);
  return all;
}();

/// The bytes of an id as we make them; all zero for any other.
std::array<unsigned char, 16> bytes_of(std::string_view id) {
  std::array<unsigned char, 16> out{};
  if (id.size() != id_digits) return {};
  unsigned char worst = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = digit_values[static_cast<unsigned char>(id[2 * i])];
    const auto low = digit_values[static_cast<unsigned char>(id[2 * i + 1])];
    worst |= high | low;
    out[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return worst <= 0xf ? out : std::array<unsigned char, 16>{};
}

std::string text_of(const std::array<unsigned char, 16>& bytes) {
  std::array<char, id_digits + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  return {hex.data(), id_digits};
}

}  // namespace

core::time_point end_of(std::chrono::seconds window, core::time_point from) {
  return window.count() == 0 ? core::time_point::max() : from + window;
}

settled_keys::settled_keys(std::size_t keys_max)
    : keys_max_(std::max<std::size_t>(keys_max, 1)),
      places_(sparseness * (std::min(keys_max_, reserved_keys_max) + 1), by_key{&queues_},
              by_key{&queues_}) {}

std::optional<settled_keys::original> settled_keys::read(const digest& key, core::time_point now) {
  const auto known = places_.find(key);
  if (known == places_.end()) return std::nullopt;
  const auto& written = record_at(*known);
  if (end_of(queues_[known->in].window, written.when) > now)
    return original{is_zero(written.id) ? odd_ids_.at(key) : text_of(written.id), written.body};
  forget(known);
  return std::nullopt;
}

bool settled_keys::is_newer(const digest& key, core::time_point than) const {
  const auto known = places_.find(key);
  return known != places_.end() && record_at(*known).when > than;
}

void settled_keys::remember(const digest& key, std::chrono::seconds window,
                            std::string_view payload_id,
                            const idempotency_store::body_digest& body, core::time_point when) {
  auto& mine = queue_of(window);
  const auto here = place_of(mine, mine.records.size());
  mine.records.push_back({key, bytes_of(payload_id), body, when});
  if (const auto [known, is_new] = places_.insert(here); !is_new) {
    forget(known);
    places_.insert(here);
  }
  if (is_zero(mine.records.back().id)) odd_ids_[key] = payload_id;
  while (places_.size() > keys_max_ || count_records() > 2 * keys_max_) forget_oldest();
}

settled_keys::queue& settled_keys::queue_of(std::chrono::seconds window) {
  queue* unused = nullptr;
  for (auto& each : queues_) {
    if (each.window == window) return each;
    if (each.records.empty()) unused = &each;
  }
  if (unused == nullptr) return queues_.emplace_back(queue{window, {}});
  unused->window = window;
  return *unused;
}

void settled_keys::forget_expired(core::time_point now) {
  for (auto& each : queues_) {
    auto left = std::min(each.records.size(), forgotten_at_once);
    for (; left > 0 && end_of(each.window, each.records.front().when) <= now; --left) pop(each);
  }
}

settled_keys::place settled_keys::place_of(const queue& of, std::size_t index) const {
  return {static_cast<std::uint32_t>(&of - queues_.data()),
          of.first + static_cast<std::uint32_t>(index)};
}

std::size_t settled_keys::count_records() const {
  std::size_t count = 0;
  for (const auto& each : queues_) count += each.records.size();
  return count;
}

void settled_keys::forget_oldest() {
  queue* oldest = nullptr;
  for (auto& each : queues_) {
    if (each.records.empty()) continue;
    if (oldest == nullptr || each.records.front().when < oldest->records.front().when)
      oldest = &each;
  }
  pop(*oldest);
}

void settled_keys::pop(queue& from) {
  const auto here = place_of(from, 0);
  const auto known = places_.find(from.records.front().key);
  if (known != places_.end() && *known == here) forget(known);
  from.records.pop_front();
  ++from.first;
}

void settled_keys::forget(table::iterator known) {
  const auto& written = record_at(*known);
  if (is_zero(written.id)) odd_ids_.erase(written.key);
  places_.erase(known);
}

}  // namespace nexus::ingest
