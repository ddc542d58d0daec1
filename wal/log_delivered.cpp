// Delivered entries: looking at all or some of them, and sending them once more.
#include <algorithm>
#include <memory>
#include <random>
#include <utility>

#include "wal/log_state.hpp"

namespace nexus::wal {
namespace {

/// So many are sent with one commit.
constexpr std::size_t redeliver_batch = 64;

}  // namespace

/// The delivered entries of one segment as they were at one moment. The file stays readable also
/// when settling puts another one in its place.
struct log::impl::delivered_lines {
  std::string name;
  std::unique_ptr<core::file> source;
  std::vector<location> places;
};

core::result<log::impl::delivered_lines> log::impl::find_delivered(std::uint32_t number) {
  const std::lock_guard no_settling(settling_);
  auto source = open_segment(number);
  if (!source) return source.reason();
  delivered_lines lines;
  if (!source->file) return lines;
  lines.name = std::move(source->name);
  lines.source = std::move(source->file);
  line_decoder decoder(format_, lines.name);
  auto read = scan_segment(*lines.source, source->size, decoder, [&](const scanned_line& line) {
    if (line.kind != line_kind::entry) return;
    const location where{number, static_cast<std::uint32_t>(line.raw.text.size()), line.raw.offset};
    const auto& name = line.head.name;
    const std::lock_guard lock(mutex_);
    if (known_.resolve(line.head, where) != core::status::delivered) return;
    // Sent once more and on its way: this line is not the one that counts.
    if (known_.index().waits(name.payload_id, name.destination)) return;
    lines.places.push_back(where);
  });
  if (!read) return read.reason();
  return lines;
}

core::result<void> log::impl::visit_delivered(
    const std::function<core::result<void>(const delivered_lines&, location)>& visit) {
  std::vector<std::uint32_t> numbers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, in] : known_.segments()) numbers.push_back(number);
  }
  for (const auto number : numbers) {
    auto lines = find_delivered(number);
    if (!lines) return lines.reason();
    for (const auto& where : lines->places)
      if (auto visited = visit(*lines, where); !visited) return visited;
  }
  return {};
}

core::result<std::optional<core::entry>> log::impl::read_delivered(const delivered_lines& in,
                                                                   location where) {
  line_decoder decoder(format_, in.name);
  auto entry = read_entry(*in.source, where, decoder);
  if (entry) return std::optional(*std::move(entry));
  if (entry.reason().code != core::errc::corrupt) return entry.reason();
  how_.log->error(in.name + " at offset " + std::to_string(where.offset) + ": " +
                  entry.reason().text + ": this delivered entry is passed over");
  return std::optional<core::entry>();
}

core::result<void> log::impl::delivered_entries(const delivered_visitor& fn) {
  return visit_delivered([&](const delivered_lines& in, location where) -> core::result<void> {
    auto entry = read_delivered(in, where);
    if (!entry) return entry.reason();
    return *entry ? fn(**entry) : core::result<void>{};
  });
}

core::result<std::vector<core::entry>> log::impl::sample_delivered(std::size_t count) {
  std::mt19937_64 random(std::random_device{}());
  std::vector<core::entry> sample;
  std::uint64_t seen = 0;
  auto read = visit_delivered([&](const delivered_lines& in, location where) -> core::result<void> {
    // Reservoir sampling: the n-th entry takes a place with probability count / n.
    const std::uint64_t place = sample.size() < count ? sample.size() : random() % (seen + 1);
    if (place >= count) {
      ++seen;
      return {};
    }
    auto entry = read_delivered(in, where);
    if (!entry) return entry.reason();
    if (!*entry) return {};
    ++seen;
    if (place == sample.size())
      sample.push_back(**std::move(entry));
    else
      sample[place] = **std::move(entry);
    return {};
  });
  if (!read) return read.reason();
  return sample;
}

core::result<std::uint64_t> log::impl::redeliver(std::span<const core::entry> entries) {
  // Two calls at once must not both find that an entry does not wait yet.
  const std::lock_guard one_at_a_time(redelivering_);
  std::uint64_t count = 0;
  core::result<void> refused;
  for (std::size_t begin = 0; begin < entries.size(); begin += redeliver_batch) {
    std::vector<core::entry_ptr> batch;
    const auto some = entries.subspan(begin, std::min(redeliver_batch, entries.size() - begin));
    for (const auto& one : some)
      if (!waits(one, batch)) batch.push_back(without_key(one));
    for (const auto& outcome : append_batch(batch)) {
      if (outcome)
        ++count;
      else
        refused = outcome;
    }
    if (!refused) return refused.reason();
  }
  return count;
}

bool log::impl::waits(const core::entry& value, const std::vector<core::entry_ptr>& batch) const {
  const auto is_same = [&](const core::entry_ptr& other) {
    return other->payload_id == value.payload_id && other->destination == value.destination;
  };
  if (std::any_of(batch.begin(), batch.end(), is_same)) return true;
  const std::lock_guard lock(mutex_);
  return known_.index().waits(value.payload_id, value.destination);
}

}  // namespace nexus::wal
