#include "wal/log.hpp"

#include <map>
#include <utility>

#include "wal/log_state.hpp"

namespace nexus::wal {

core::result<std::unique_ptr<log>> log::open(options how) {
  auto format = line_format::make(how);
  if (!format) return format.reason();
  auto state = std::make_unique<impl>(std::move(how), *std::move(format));
  if (auto opened = state->open(); !opened) return opened.reason();
  return std::unique_ptr<log>(new log(std::move(state)));
}

log::log(std::unique_ptr<impl> state) : impl_(std::move(state)) {}
log::~log() {
  if (auto closed = impl_->close(); !closed) return;
}

core::result<void> log::append(const core::entry& value) {
  core::entry_ptr shared(core::entry_ptr{}, &value);  // not owned: the caller waits for the answer
  return append_batch(std::span(&shared, 1)).front();
}
std::vector<core::result<void>> log::append_batch(std::span<const core::entry_ptr> values) {
  return impl_->append_batch(values);
}

core::result<void> log::mark_delivered_batch(std::span<const std::string> payload_ids,
                                             std::string_view destination) {
  auto marked = impl_->mark({core::status::delivered,
                             std::string(destination),
                             {},
                             {payload_ids.begin(), payload_ids.end()},
                             {}});
  return marked ? core::result<void>{} : core::result<void>{marked.reason()};
}

core::result<void> log::mark_permanent_failure_batch(std::span<const failure> failures,
                                                     std::string_view destination) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const auto& one : failures) by_reason[one.reason].push_back(one.payload_id);
  core::result<void> outcome;
  for (auto& [reason, ids] : by_reason) {
    auto marked = impl_->mark(
        {core::status::permanent_failure, std::string(destination), reason, std::move(ids), {}});
    if (!marked) outcome = marked.reason();
  }
  return outcome;
}

namespace {

/// The outcome of marking one id: it must have been pending.
core::result<void> one_marked(const core::result<std::uint64_t>& marked,
                              std::string_view payload_id) {
  if (!marked) return marked.reason();
  if (*marked == 0)
    return core::error{core::errc::not_found,
                       "no pending entry with the payload id " + std::string(payload_id)};
  return {};
}

}  // namespace

core::result<void> log::mark_delivered(std::string_view payload_id, std::string_view destination) {
  return one_marked(
      impl_->mark(
          {core::status::delivered, std::string(destination), {}, {std::string(payload_id)}, {}}),
      payload_id);
}
core::result<void> log::mark_permanent_failure(std::string_view payload_id, std::string_view reason,
                                               std::string_view destination) {
  return one_marked(impl_->mark({core::status::permanent_failure,
                                 std::string(destination),
                                 std::string(reason),
                                 {std::string(payload_id)},
                                 {}}),
                    payload_id);
}

core::result<void> log::replay(const std::function<void(const core::entry&)>& fn) {
  return impl_->replay(fn);
}

core::result<pending_batch> log::read_pending(std::string_view destination, position from,
                                              std::size_t entries_max, std::size_t bytes_max) {
  return impl_->read_pending(destination, from, entries_max, bytes_max);
}

core::result<void> log::dead_letters(const dead_letter_filter& which,
                                     const std::function<void(const dead_letter&)>& fn) {
  return impl_->dead_letters(which, fn);
}
core::result<std::uint64_t> log::redrive(const dead_letter_filter& which) {
  return impl_->redrive(which);
}
core::result<std::uint64_t> log::purge(const dead_letter_filter& which) {
  return impl_->purge(which);
}
core::result<void> log::sync() {
  return impl_->sync();
}
core::result<std::vector<core::entry>> log::sample_delivered(std::size_t count) {
  return impl_->sample_delivered(count);
}
core::result<void> log::delivered_entries(const delivered_visitor& fn) {
  return impl_->delivered_entries(fn);
}
core::result<void> log::recent_entries(core::time_point since,
                                       const std::function<void(const core::entry&)>& fn) {
  return impl_->recent_entries(since, fn);
}
core::result<std::uint64_t> log::redeliver(std::span<const core::entry> entries) {
  return impl_->redeliver(entries);
}
std::vector<bool> log::keys_wait(std::string_view source, std::string_view destination,
                                 std::span<const std::string> idempotency_keys) const {
  return impl_->keys_wait(source, destination, idempotency_keys);
}
position log::end() const {
  return impl_->end();
}
std::vector<destination_backlog> log::backlogs() const {
  return impl_->backlogs();
}
std::uint64_t log::pending_count() const {
  return impl_->pending_count();
}
pending_size log::how_much_is_pending() const {
  return impl_->how_much_is_pending();
}
std::uint64_t log::crc_failures() const {
  return impl_->stats().crc_failures;
}
std::uint64_t log::integrity_failures() const {
  return impl_->stats().integrity_failures;
}
counters log::stats() const {
  return impl_->stats();
}
std::string log::trouble() const {
  return impl_->trouble();
}
std::string log::current_segment() const {
  return impl_->current_segment();
}
void log::on_commit(std::function<void(const commit_info&)> observer) {
  impl_->on_commit(std::move(observer));
}
core::result<void> log::settle() {
  return impl_->settle();
}
core::result<void> log::maintain() {
  return impl_->maintain();
}
core::result<void> log::close() {
  return impl_->close();
}

}  // namespace nexus::wal
