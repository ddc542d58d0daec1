// Entries of the last while, whatever has become of them.
#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "wal/log_state.hpp"

namespace nexus::wal {
namespace {

/// As entries' heads count; what is before 1970 or after 2106 is as far as that goes.
std::uint32_t seconds_at(core::time_point when) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(seconds, 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

core::result<void> log::impl::recent_entries(core::time_point since,
                                             const std::function<void(const core::entry&)>& fn) {
  const auto oldest = seconds_at(since);
  std::vector<std::uint32_t> numbers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, in] : known_.segments())
      if (in.newest_seconds >= oldest) numbers.push_back(number);
  }
  core::entry value;
  for (const auto number : numbers) {
    auto source = [&] {
      // Settling puts another file under the same name; once open, the old one stays readable.
      const std::lock_guard no_settling(settling_);
      return open_segment(number);
    }();
    if (!source) return source.reason();
    if (!source->file) continue;
    line_decoder decoder(format_, source->name);
    auto read = scan_segment(*source->file, source->size, decoder, [&](const scanned_line& line) {
      if (line.kind != line_kind::entry || line.head.seconds < oldest) return;
      line.read_into(value);
      fn(value);
    });
    if (!read) return read;
  }
  return {};
}

core::result<log::impl::open_file> log::impl::open_segment(std::uint32_t number) {
  if (auto open = check_open(); !open) return open.reason();
  open_file out;
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    const auto in = known_.segments().find(number);
    if (in == known_.segments().end()) return out;  // retention has removed it
    out.name = in->second.name;
    out.size = in->second.size;
    path = known_.path(in->second);
  }
  auto source = how_.files->open_read(path);
  if (!source) return source.reason();
  out.file = *std::move(source);
  return out;
}

}  // namespace nexus::wal
