// Dead letters: looking at permanent failures, sending them once more, and giving them up.
#include <map>

#include "wal/log_state.hpp"

namespace nexus::wal {
namespace {

/// So many are sent with one commit.
constexpr std::size_t redrive_batch = 64;

/// Whether an append was refused for what its entry is, and not for what the disk is.
bool is_about_one(const core::error& why) {
  return why.code == core::errc::too_large || why.code == core::errc::invalid_argument;
}

}  // namespace

core::result<void> log::impl::dead_letters(const dead_letter_filter& which,
                                           const std::function<void(const dead_letter&)>& fn) {
  std::lock_guard no_settling(settling_);
  return visit_dead_letters(which, [&](dead_letter&& one) -> core::result<void> {
    fn(one);
    return {};
  });
}

core::result<void> log::impl::visit_dead_letters(const dead_letter_filter& which,
                                                 const dead_letter_visitor& visit) {
  if (auto open = check_open(); !open) return open;
  std::unique_lock lock(mutex_);
  const auto places = dead_places(known_);
  lock.unlock();
  return read_dead_letters(places, how_, format_, which, visit);
}

core::result<std::uint64_t> log::impl::redrive(const dead_letter_filter& which) {
  std::lock_guard no_settling(settling_);
  std::uint64_t count = 0;
  std::vector<dead_letter> batch;
  core::result<void> refused;  // what is wrong with one of them must not keep the others
  auto send = [&]() -> core::result<void> {
    std::vector<core::entry_ptr> entries;
    for (const auto& one : batch) entries.push_back(without_key(one.entry));
    // First the new entry, then the mark on the old one: a crash in between sends it twice, never
    // not at all.
    const auto outcomes = append_batch(entries, true);
    std::vector<dead_letter> sent;
    core::result<void> failed;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (outcomes[i])
        sent.push_back(std::move(batch[i]));
      else
        (is_about_one(outcomes[i].reason()) ? refused : failed) = outcomes[i];
    }
    batch.clear();
    auto marked = mark_dead(sent, core::status::redriven);
    if (!marked) return marked.reason();
    count += *marked;
    return failed;
  };
  auto sent = visit_dead_letters(which, [&](dead_letter&& one) -> core::result<void> {
    batch.push_back(std::move(one));
    return batch.size() < redrive_batch ? core::result<void>{} : send();
  });
  if (sent && !batch.empty()) sent = send();
  if (sent) sent = sync();
  if (!sent) return sent.reason();
  if (!refused) return refused.reason();
  return count;
}

core::result<std::uint64_t> log::impl::purge(const dead_letter_filter& which) {
  std::lock_guard no_settling(settling_);
  std::vector<dead_letter> all;
  auto read = visit_dead_letters(which, [&](dead_letter&& one) -> core::result<void> {
    one.entry.payload.clear();
    all.push_back(std::move(one));
    return {};
  });
  if (!read) return read.reason();
  auto marked = mark_dead(all, core::status::purged);
  if (!marked) return marked;
  if (auto synced = sync(); !synced) return synced.reason();
  return marked;
}

core::result<std::uint64_t> log::impl::mark_dead(const std::vector<dead_letter>& which,
                                                 core::status as) {
  std::map<std::string, status_change> changes;
  for (const auto& one : which) {
    auto& change = changes[one.entry.destination];
    change.ids.push_back(one.entry.payload_id);
    change.failed_at.push_back(one.failed_at);
  }
  std::uint64_t count = 0;
  for (auto& [destination, change] : changes) {
    change.mark = as;
    change.destination = destination;
    auto marked = mark(std::move(change));
    if (!marked) return marked.reason();
    count += *marked;
  }
  return count;
}

}  // namespace nexus::wal
