#include "bench/delivery_memory.hpp"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <semaphore>

#include "bench/delivery_load.hpp"
#include "bench/give_up.hpp"
#include "bench/machine.hpp"
#include "core/metrics.hpp"

namespace nexus::bench {
namespace {

constexpr std::uint64_t count = 1'000'000;
constexpr std::size_t group = 2'000;
constexpr std::ptrdiff_t groups_in_flight = 4;

double heap_in_use() {
  const auto info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

/// Of entries as the log reads them.
double bytes_an_entry(const std::string& directory) {
  constexpr std::size_t some = 1'000;
  fill_log(directory, some, {"d"});
  auto log = must(wal::log::open(log_options(directory)));
  const auto before = heap_in_use();
  const auto read = must(log->read_pending("d", 0, some, some * some));
  return (heap_in_use() - before) / static_cast<double>(read.entries.size());
}

void append_all(actors::pipeline& line) {
  std::counting_semaphore<> room(groups_in_flight);
  for (std::uint64_t next = 0; next < count;) {
    std::vector<core::entry_ptr> entries;
    for (std::size_t i = 0; i < group; ++i) entries.push_back(make_delivery(next++, "d"));
    room.acquire();
    line.append(std::move(entries), [&room](const core::result<void>& answer) {
      must(core::result<void>(answer));
      room.release();
    });
  }
  for (std::ptrdiff_t i = 0; i < groups_in_flight; ++i) room.acquire();
}

backlog_memory measure(const std::string& directory) {
  backlog_memory found;
  found.bytes_an_entry = bytes_an_entry(directory + "-sample");
  actors::pipeline_options how;
  how.wal = log_options(directory);
  how.destinations.push_back(make_options("d", "dead"));
  found.window_entries_max = how.destinations.front().window_entries_max;
  found.window_bytes_max = how.destinations.front().window_bytes_max;
  const auto types = bench_types();
  core::metrics metrics;
  auto line = must(actors::pipeline::start(how, types, core::make_null_logger(), metrics));
  ::malloc_trim(0);
  reset_peak_memory();
  const auto before = resident_memory().now;
  append_all(*line);
  // The window takes more in while a quarter of it is free.
  wait_until("the window is full", [&] {
    return line->status().destinations.front().queued > found.window_entries_max / 4 * 3;
  });
  ::malloc_trim(0);
  const auto after = resident_memory();
  found.pending = line->status().destinations.front().pending;
  found.grown = static_cast<double>(after.now) - static_cast<double>(before);
  found.peak = static_cast<double>(after.peak) - static_cast<double>(before);
  line->stop(std::chrono::milliseconds(0));
  return found;
}

}  // namespace

backlog_memory measure_dead_backlog(const std::string& directory) {
  int ends[2];
  if (::pipe(ends) != 0) give_up_on_system("pipe");
  const pid_t child = ::fork();
  if (child < 0) give_up_on_system("fork");
  if (child == 0) {
    const auto found = measure(directory);
    const auto written = ::write(ends[1], &found, sizeof found);
    ::_exit(written == sizeof found ? 0 : 2);
  }
  ::close(ends[1]);
  backlog_memory found;
  const auto got = ::read(ends[0], &found, sizeof found);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (got != sizeof found || status != 0) give_up("the process that measures memory has failed");
  return found;
}

}  // namespace nexus::bench
