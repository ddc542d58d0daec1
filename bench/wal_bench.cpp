// The log beside the bare disk: the same bytes, the same directory, the same run.
//
// Absolute figures depend on the machine and on the hour; the checks are medians of ratios against
// a raw loop that is measured in alternating rounds with the log. docs/performance.md says how to
// read them.
#include <malloc.h>
#include <zlib.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/give_up.hpp"
#include "bench/machine.hpp"
#include "bench/report.hpp"
#include "bench/wal_actor_load.hpp"
#include "bench/wal_load.hpp"
#include "core/file.hpp"
#include "wal/log.hpp"

namespace {

using namespace nexus;
using namespace nexus::bench;

constexpr std::size_t rounds = 5;
constexpr std::ptrdiff_t ids_a_mark = 50;
const std::vector<std::string> append_columns{"entries/s", "MB/s",     "p50 us",
                                              "p99 us",    "p99.9 us", "of raw"};

/// One way to bring entries to the disk, over all rounds.
struct series {
  std::string name;
  std::function<timing()> measure;
  std::vector<double> rates{};                      ///< entries a second
  std::vector<double> p50{}, p99{}, p999{};         ///< seconds
  std::vector<double> rate_ratios{}, p50_ratios{};  ///< to the first series, in the same round

  void add(timing result) {
    rates.push_back(result.entries_per_second);
    p50.push_back(percentile(result.latencies, .5));
    p99.push_back(percentile(result.latencies, .99));
    p999.push_back(percentile(result.latencies, .999));
  }
};

/// Measures all in alternating rounds; the first is what the others are compared with. Each round
/// begins with another one: a disk may still be busy with what came before, or may have saved up.
void run_rounds(report& out, std::vector<series>& all, std::size_t bytes) {
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& one = all[(round + i) % all.size()];
      one.add(one.measure());
    }
    for (auto& one : all) {
      one.rate_ratios.push_back(one.rates.back() / all.front().rates.back());
      one.p50_ratios.push_back(one.p50.back() / all.front().p50.back());
    }
  }
  for (const auto& one : all) {
    auto rate = median(one.rates);
    out.row(one.name, {fixed(rate, 0), fixed(rate * static_cast<double>(bytes) / 1e6),
                       fixed(median(one.p50) * 1e6, 0), fixed(median(one.p99) * 1e6, 0),
                       fixed(median(one.p999) * 1e6, 0), fixed(median(one.rate_ratios), 2)});
  }
}

void bench_appends(report& out, scratch& disk) {
  constexpr std::size_t payload = 1024;
  const auto bytes = line_bytes(payload);
  for (std::size_t callers : {1, 8, 64, 256}) {
    out.table("Appends of 1 KB, " + std::to_string(callers) + " at a time", append_columns);
    std::shared_ptr<wal::log> log = open_log(disk.fresh());
    std::vector<series> all;
    all.push_back({"raw pwrite+fdatasync, preallocated",
                   [&] { return raw_loop(disk.fresh(), bytes, callers, true); }});
    all.push_back({"raw pwrite+fdatasync, growing file",
                   [&] { return raw_loop(disk.fresh(), bytes, callers, false); }});
    all.push_back({"log, a thread for each", [&] { return append_loop(*log, payload, callers); }});
    all.push_back({"log, one batch", [&] { return batch_loop(*log, payload, callers); }});
    all.push_back({"log, through its actor", [&] { return actor_loop(log, payload, callers); }});
    run_rounds(out, all, bytes);
    auto wakes = wake_loop(callers);
    out.row("threads that only wake and wait",
            {fixed(wakes.entries_per_second, 0), "", "", "", "",
             fixed(wakes.entries_per_second / median(all[0].rates), 2)});
    auto of = std::to_string(callers);
    if (callers == 1)
      out.check("append p50, 1 caller / raw", median(all[2].p50_ratios), "<=", 1.15);
    if (callers < 64) continue;
    out.check("append rate, " + of + " threads / raw", median(all[2].rate_ratios), ">=", 0.85);
    out.check("append rate, a batch of " + of + " / raw", median(all[3].rate_ratios), ">=", 0.85);
  }
}

void bench_sizes(report& out, scratch& disk) {
  for (std::size_t payload : {256, 1024, 16 * 1024}) {
    const auto bytes = line_bytes(payload);
    out.table("Batches of 64 with a payload of " + std::to_string(payload) + " B", append_columns);
    std::shared_ptr<wal::log> log = open_log(disk.fresh());
    std::vector<series> all;
    all.push_back({"raw pwrite+fdatasync, preallocated",
                   [&] { return raw_loop(disk.fresh(), bytes, 64, true); }});
    all.push_back({"log, one batch", [&] { return batch_loop(*log, payload, 64); }});
    run_rounds(out, all, bytes);
  }
}

/// Marks in a log that is at work: as many entries come as leave, so that the segment holds
/// `megabytes` of pending ones all the time, and the oldest leave first. Measured straight after
/// the segment has been filled, a few hundred marks would show how long it takes to get rid of what
/// filling left in the caches and in the heap, which no running system does. Only the marks are
/// timed, batch by batch, into `seconds`. Without the background thread, so that no sync of its own
/// falls into a batch by chance.
void time_marks(scratch& disk, std::size_t megabytes, std::vector<double>& seconds) {
  constexpr std::size_t warm_up = 6, batches = 20;
  auto log = open_log(disk.fresh(), 100, false);
  auto ids = fill(*log, megabytes);
  entry_source source(1024);
  std::ptrdiff_t oldest = 0;
  for (std::size_t n = 0; n < warm_up + batches; ++n, oldest += ids_a_mark) {
    std::vector<core::entry_ptr> entries;
    for (std::ptrdiff_t i = 0; i < ids_a_mark; ++i) {
      entries.push_back(source.next_shared());
      ids.push_back(entries.back()->payload_id);
    }
    for (auto& outcome : log->append_batch(entries)) must(std::move(outcome));
    // Who marks has just handled the entries: their ids are no cold memory.
    auto first = ids.begin() + oldest;
    std::vector<std::string> delivered(first, first + ids_a_mark);
    auto start = steady::now();
    must(log->mark_delivered_batch(delivered, "sqlite"));
    if (n >= warm_up) seconds.push_back(seconds_since(start));
  }
}

void bench_marks(report& out, scratch& disk) {
  out.table("Marks, 50 ids a batch", {"ids/s", "p50 us", "p99 us"});
  constexpr std::array<std::size_t, 3> sizes{1, 10, 50};
  std::array<std::vector<double>, sizes.size()> seconds;
  for (std::size_t round = 0; round < 2 * rounds; ++round)
    for (std::size_t i = 0; i < sizes.size(); ++i) time_marks(disk, sizes[i], seconds[i]);
  for (std::size_t i = 0; i < sizes.size(); ++i)
    out.row("with " + std::to_string(sizes[i]) + " MB in the segment",
            {fixed(static_cast<double>(ids_a_mark) / median(seconds[i]), 0),
             fixed(median(seconds[i]) * 1e6), fixed(percentile(seconds[i], .99) * 1e6)});
  out.check("marks at 50 MB / at 1 MB", median(seconds[0]) / median(seconds[2]), ">=", 0.9);
}

void bench_amplification(report& out, scratch& disk) {
  auto directory = disk.fresh();
  auto log = open_log(directory, 8);
  auto ids = fill(*log, 40);
  for (std::size_t at = 0; at < ids.size(); at += 256)
    must(log->mark_delivered_batch(
        std::span(ids).subspan(at, std::min<std::size_t>(256, ids.size() - at)), "sqlite"));
  must(log->close());
  auto settled = 0.0;
  for (const auto& file : std::filesystem::directory_iterator(directory))
    settled += static_cast<double>(file.file_size());
  auto appended = static_cast<double>(ids.size() * line_bytes(1024));
  auto ratio = (static_cast<double>(log->stats().bytes_written) + settled) / appended;
  out.table("Bytes written for an entry's life", {"of its line"});
  out.row("append + marks + settling", {fixed(ratio, 2)});
  out.check("write amplification", ratio, "<=", 2.3);
}

/// Reads the files of a directory and takes their CRC, 1 MiB at a time. Returns the bytes.
std::uint64_t read_and_check(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::string block(1 << 20, '\0');
  for (const auto& name : must(core::posix_files().list(directory))) {
    auto file = must(core::posix_files().open_read(directory + "/" + name));
    uLong crc = 0;
    for (std::uint64_t at = 0;;) {
      auto got = must(file->read_at(at, block));
      crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(block.data()), got);
      at += got;
      bytes += got;
      if (got < block.size()) break;
    }
  }
  return bytes;
}

void bench_open(report& out, scratch& disk) {
  auto directory = disk.fresh();
  {
    auto log = open_log(directory);
    fill(*log, 200);
    must(log->close());
  }
  std::vector<double> bare, opened, replayed, open_ratios, replay_ratios;
  for (std::size_t round = 0; round < rounds; ++round) {
    auto start = steady::now();
    auto megabytes = static_cast<double>(read_and_check(directory)) / 1e6;
    bare.push_back(megabytes / seconds_since(start));
    start = steady::now();
    auto log = open_log(directory);
    opened.push_back(megabytes / seconds_since(start));
    start = steady::now();
    std::size_t entries = 0;
    must(log->replay([&](const core::entry&) { ++entries; }));
    replayed.push_back(megabytes / seconds_since(start));
    if (entries != log->pending_count()) std::abort();
    open_ratios.push_back(opened.back() / bare.back());
    replay_ratios.push_back(replayed.back() / bare.back());
  }
  out.table("Opening 200 MB of pending entries, from the page cache", {"MB/s", "of bare"});
  out.row("read + zlib's crc32", {fixed(median(bare), 0), "1.00"});
  out.row("open", {fixed(median(opened), 0), fixed(median(open_ratios), 2)});
  out.row("replay() of every entry",
          {fixed(median(replayed), 0), fixed(median(replay_ratios), 2)});
  out.check("open / (read + crc32)", median(open_ratios), ">=", 0.5);
  out.check("replay / (read + crc32)", median(replay_ratios), ">=", 0.5);
}

void bench_memory(report& out, scratch& disk) {
  auto directory = disk.fresh();
  constexpr std::size_t count = 1'000'000;
  {
    auto log = open_log(directory);
    entry_source source(64);
    for (std::size_t done = 0; done < count; done += 2000) {
      std::vector<core::entry_ptr> batch;
      for (int i = 0; i < 2000; ++i) batch.push_back(source.next_shared());
      for (auto& outcome : log->append_batch(batch)) must(std::move(outcome));
    }
  }
  ::malloc_trim(0);
  reset_peak_memory();
  auto heap = [] {
    auto info = ::mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
  };
  auto heap_before = heap();
  auto before = resident_memory();
  auto log = open_log(directory);
  auto used = heap() - heap_before;
  auto peak = static_cast<double>(resident_memory().peak - before.now);
  out.table("Memory with 1,000,000 pending entries", {"bytes/entry", "MB"});
  out.row("held by the log", {fixed(used / count), fixed(used / 1e6)});
  out.row("peak while it is opened (resident)", {fixed(peak / count), fixed(peak / 1e6)});
  out.check("bytes a pending entry", used / count, "<=", 96);
}

}  // namespace

int main(int argc, char** argv) {
  report out(argc, argv);
  scratch disk;
  out.machine(describe_machine(disk.path()));
  bench_appends(out, disk);
  bench_sizes(out, disk);
  bench_marks(out, disk);
  bench_amplification(out, disk);
  bench_open(out, disk);
  bench_memory(out, disk);
  return out.finish();
}
