#include "bench/delivery_load.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "bench/give_up.hpp"
#include "core/metrics.hpp"
#include "destinations/memory_record.hpp"

namespace nexus::bench {
namespace {

using destinations::outcome;
using destinations::outcome_kind;

constexpr std::size_t fetch_bytes_max = 4 * 1024 * 1024;

/// 32 hexadecimal digits, far apart for numbers that are close (the finalizer of SplitMix64, a
/// bijection).
std::string spread_id(std::uint64_t number) {
  constexpr char digits[] = "0123456789abcdef";
  std::string id;
  for (std::uint64_t half = 0; half < 2; ++half) {
    std::uint64_t word = number + (half + 1) * 0x9e3779b97f4a7c15;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    word ^= word >> 31;
    for (int shift = 60; shift >= 0; shift -= 4) id += digits[word >> shift & 0xf];
  }
  return id;
}

destinations::memory_record make_record(const std::string& id, const std::string& destination) {
  destinations::memory_record record;
  record.payload_id = id;
  record.source = "bench";
  record.subject = "ann";
  record.name_space = "bench";
  record.destination = destination;
  record.content = "I would rather sit at the window.";
  record.timestamp = "2026-01-02T03:04:05Z";
  record.schema_version = 1;
  record.transform_version = "1.0";
  record.actor_type = "user";
  return record;
}

/// Gives the same answer for every entry.
class single_minded final : public destinations::destination {
 public:
  explicit single_minded(outcome answer) : answer_(std::move(answer)) {}
  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    return std::vector<outcome>(batch.size(), answer_);
  }
  core::result<void> ping() override {
    if (answer_.kind == outcome_kind::delivered) return {};
    return core::error{core::errc::unreachable, answer_.reason};
  }

 private:
  const outcome answer_;
};

destinations::type_info single_minded_type(const outcome& answer) {
  destinations::type_info info;
  info.make = [answer](const destinations::settings&)
      -> core::result<std::unique_ptr<destinations::destination>> {
    return std::unique_ptr<destinations::destination>(std::make_unique<single_minded>(answer));
  };
  info.workers_default = 1;
  return info;
}

/// A window takes more in while a quarter of it is free.
bool has_full_windows(const actors::pipeline_options& how, const actors::pipeline& line) {
  const auto now = line.status().destinations;
  for (std::size_t i = 0; i < now.size(); ++i)
    if (now[i].queued <= how.destinations[i].window_entries_max / 4 * 3) return false;
  return true;
}

}  // namespace

core::entry_ptr make_delivery(std::uint64_t number, const std::string& destination) {
  auto value = std::make_shared<core::entry>();
  value->payload_id = spread_id(number);
  const auto record = make_record(value->payload_id, destination);
  value->timestamp = record.timestamp;
  value->source = record.source;
  value->destination = destination;
  value->subject = record.subject;
  value->actor_type = record.actor_type;
  value->payload.clear();
  destinations::append_json(value->payload, record);
  return value;
}

std::vector<core::entry_ptr> make_deliveries(std::size_t count, const std::string& destination) {
  std::vector<core::entry_ptr> entries;
  entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) entries.push_back(make_delivery(i, destination));
  return entries;
}

void fill_log(const std::string& directory, std::size_t count,
              const std::vector<std::string>& destinations) {
  auto log = must(wal::log::open(log_options(directory)));
  for (std::size_t next = 0; next < count;) {
    std::vector<core::entry_ptr> entries;
    for (const auto end = std::min(next + 1'000, count); next < end; ++next)
      for (const auto& name : destinations) entries.push_back(make_delivery(next, name));
    for (auto& stored : log->append_batch(entries)) must(std::move(stored));
  }
  must(log->close());
}

wal::options log_options(const std::string& directory) {
  wal::options how;
  how.directory = directory;
  how.max_segment_size_mb = 4'000;
  return how;
}

destinations::registry bench_types() {
  auto types = destinations::builtin_types();
  types.add("none", single_minded_type({}));
  types.add("dead", single_minded_type({outcome_kind::unreachable, "nobody there", {}}));
  return types;
}

actors::destination_options make_options(const std::string& name, const std::string& type,
                                         core::setting_values values) {
  const auto types = bench_types();
  const auto* info = types.find(type);
  if (!info) give_up("no type " + type);
  actors::destination_options how;
  how.settings.name = name;
  how.settings.type = type;
  for (const auto& key : info->schema.keys)
    if (!key.fallback.empty()) values.try_emplace(key.name, key.fallback);
  how.settings.values = std::move(values);
  how.settings.batch_entries_max = batch_entries;
  how.batch_entries_max = batch_entries;
  how.workers = info->workers_default;
  return how;
}

double delivery_rate(const actors::pipeline_options& how, const destinations::registry& types,
                     std::size_t count) {
  core::metrics metrics;
  auto line = must(actors::pipeline::start(how, types, core::make_null_logger(), metrics));
  const auto is_paused = [](const auto& one) { return one.paused; };
  const bool held = std::any_of(how.destinations.begin(), how.destinations.end(), is_paused);
  if (held) wait_until("the windows are full", [&] { return has_full_windows(how, *line); });
  const auto already = line->status().wal.delivered;
  const auto start = steady::now();
  if (held)
    for (const auto& one : how.destinations) must(line->resume(one.settings.name));
  wait_until("all entries are delivered", [&] { return line->status().wal.delivered >= count; });
  const auto spent = seconds_since(start);
  line->stop(std::chrono::seconds(10));
  return static_cast<double>(count - already) / spent;
}

double bare_log_rate(const std::string& directory, const std::string& destination) {
  auto log = must(wal::log::open(log_options(directory)));
  const auto start = steady::now();
  std::size_t count = 0;
  for (wal::position from = 0;;) {
    auto read = must(log->read_pending(destination, from, batch_entries, fetch_bytes_max));
    if (read.entries.empty() && read.at_end) break;
    std::vector<std::string> ids;
    for (const auto& one : read.entries) ids.push_back(one.entry->payload_id);
    must(log->mark_delivered_batch(ids, destination));
    count += ids.size();
    from = read.next;
  }
  return static_cast<double>(count) / seconds_since(start);
}

}  // namespace nexus::bench
