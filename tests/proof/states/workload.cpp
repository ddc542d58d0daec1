#include "tests/proof/states/workload.hpp"

#include <utility>

#include "tests/support/catch.hpp"

namespace nexus::test {
namespace {

using op = operation_of_log;

constexpr std::size_t large_bytes = 1 << 20;

core::time_point time_of_opening() {
  return start_time + std::chrono::hours(1);
}

}  // namespace

const std::vector<log_kind> log_kinds = {
    {"plain lines with a CRC", false, false, false},
    {"signed lines in preallocated segments", true, false, true},
    {"encrypted lines", false, true, false},
    {"encrypted and signed lines", true, true, false},
};

std::string to_string(op which) {
  constexpr std::array names = {"append",      "append_three", "append_large", "deliver",
                                "deliver_all", "fail",         "sync",         "settle",
                                "maintain",    "redrive",      "purge",        "reopen"};
  return names.at(static_cast<std::size_t>(which));
}

std::string to_string(const operations& all) {
  std::string text = "open";
  for (auto one : all) text += ", " + to_string(one);
  return text;
}

std::unique_ptr<recording_files> disk_for(const log_kind& kind, const disk_image& start) {
  auto disk = std::make_unique<recording_files>(start, time_of_opening);
  // Less than a segment is free: then none is preallocated.
  if (!kind.preallocates) disk->set_free(large_bytes / 2);
  return disk;
}

wal::options options_of(const log_kind& kind, core::file_system& files) {
  wal::options how;
  how.directory = "/log";
  how.max_segment_size_mb = 1;
  how.retain_delivered_hours = 0;
  how.min_free_bytes = 0;
  how.reserve_bytes = kind.preallocates ? 64 << 10 : 0;
  how.background_maintenance = false;
  how.clock = time_of_opening;
  how.files = &files;
  if (kind.signs) {
    how.integrity = wal::integrity_mode::mac;
    how.mac_key = "key";
  }
  if (kind.encrypts)
    how.encryption = {true, wal::cipher::xchacha20_poly1305, {std::string(32, 'k')}};
  return how;
}

core::entry entry_of(const std::string& id) {
  core::entry value;
  value.payload_id = id;
  value.idempotency_key = "key of " + id;
  value.source = "src";
  value.destination = id.back() % 2 == 0 ? "even" : "odd";
  const auto size = id.starts_with("large") ? large_bytes : id.starts_with("long") ? 1200U : 20U;
  value.payload = "{\"content\":\"" + id + "\",\"more\":\"" + std::string(size, 'z') + "\"}";
  return value;
}

workload::workload(const log_kind& kind) : files_(disk_for(kind)), how_(options_of(kind, *files_)) {
  how_.clock = [this] { return now_; };
}

bool workload::makes_sense(op next) const {
  const auto has = [&](fate which) { return !promised_.all(which).empty(); };
  switch (next) {
    case op::deliver:
    case op::fail:
      return has(fate::pending);
    case op::deliver_all:
      return promised_.all(fate::pending).size() > 1;
    case op::sync:
      return has_unsynced_marks_;
    case op::redrive:
    case op::purge:
      return has(fate::dead);
    case op::settle:
    case op::maintain:
    case op::reopen:
      return appended_ > 0;
    case op::append_large:
      return !has_large_;
    default:
      return true;
  }
}

void workload::done(const core::result<void>& outcome) {
  if (!outcome) FAIL(outcome.reason().text);
}

void workload::open() {
  begin_ = files_->position();
  meanwhile_ = promised_;
  auto opened = wal::log::open(how_);
  if (!opened) FAIL(opened.reason().text);
  log_ = *std::move(opened);
}

void workload::append(std::size_t count, const std::string& prefix) {
  std::vector<core::entry_ptr> batch;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = (count > 1 && i == 1 ? "long" : prefix) + std::to_string(appended_++);
    promised_.begin(id, fate::pending);
    batch.push_back(std::make_shared<const core::entry>(entry_of(id)));
  }
  meanwhile_ = promised_;
  for (const auto& outcome : log_->append_batch(batch)) done(outcome);
}

void workload::mark(const std::vector<std::string>& ids, fate as) {
  for (const auto& id : ids) promised_.begin(id, as);
  meanwhile_ = promised_;
  if (as == fate::absent) return done(log_->mark_delivered_batch(ids));
  std::vector<wal::failure> failures;
  for (const auto& id : ids) failures.push_back({id, failure_reason});
  done(log_->mark_permanent_failure_batch(failures));
}

void workload::redrive() {
  const auto dead = promised_.all(fate::dead);
  for (const auto& id : dead) promised_.begin(id, fate::resent);
  for (const auto& id : dead) promised_.begin(id, fate::pending);
  meanwhile_ = promised_;
  const auto sent = log_->redrive({});
  if (!sent) FAIL(sent.reason().text);
  REQUIRE(*sent == dead.size());
}

void workload::purge() {
  const auto dead = promised_.all(fate::dead);
  for (const auto& id : dead) promised_.begin(id, fate::absent);
  meanwhile_ = promised_;
  const auto gone = log_->purge({});
  if (!gone) FAIL(gone.reason().text);
  REQUIRE(*gone == dead.size());
}

void workload::run(op next) {
  now_ += std::chrono::seconds(1);
  begin_ = files_->position();
  meanwhile_ = promised_;
  const auto waiting = promised_.all(fate::pending);
  switch (next) {
    case op::append:
      append(1, "short");
      break;
    case op::append_three:
      append(3, "short");
      break;
    case op::append_large:
      append(1, "large");
      has_large_ = true;
      break;
    case op::deliver:
      mark({waiting.front()}, fate::absent);
      break;
    case op::deliver_all:
      mark(waiting, fate::absent);
      break;
    case op::fail:
      mark({waiting.front()}, fate::dead);
      break;
    case op::sync:
      done(log_->sync());
      break;
    case op::settle:
      done(log_->settle());
      break;
    case op::maintain:
      done(log_->maintain());
      break;
    case op::redrive:
      redrive();
      break;
    case op::purge:
      purge();
      break;
    case op::reopen: {
      done(log_->close());
      const auto begin = begin_;
      const auto meanwhile = meanwhile_;
      open();
      begin_ = begin;
      meanwhile_ = meanwhile;
      break;
    }
  }
  has_unsynced_marks_ = next == op::deliver || next == op::deliver_all || next == op::fail;
  if (!has_unsynced_marks_) promised_.keep();
}

operations sensible(const workload& so_far) {
  operations found;
  for (auto one : all_operations)
    if (so_far.makes_sense(one)) found.push_back(one);
  return found;
}

}  // namespace nexus::test
