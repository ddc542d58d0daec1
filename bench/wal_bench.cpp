// The log beside the bare disk: the same bytes, the same directory, the same run.
//
// Absolute figures depend on the machine and on the hour; the checks are ratios against a raw loop
// that is measured in alternating rounds with the log.
#include <malloc.h>
#include <stdlib.h>
#include <zlib.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/report.hpp"
#include "core/file.hpp"
#include "core/random.hpp"
#include "wal/log.hpp"

namespace {

using namespace nexus;
using bench::fixed;
using steady = std::chrono::steady_clock;

constexpr int rounds = 5;
constexpr auto round_time = std::chrono::milliseconds(700);

double seconds_since(steady::time_point start) {
  return std::chrono::duration<double>(steady::now() - start).count();
}

/// What a benchmark cannot go on without.
template <class T>
T must(core::result<T> outcome) {
  if (!outcome) {
    std::fprintf(stderr, "wal_bench: %s\n", outcome.reason().text.c_str());
    std::exit(2);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(outcome);
}

/// A fresh directory below the current one, so that the disk is the user's choice; gone at the end.
class scratch {
 public:
  scratch() {
    std::string name = (std::filesystem::current_path() / "wal-bench-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::exit(2);
    path_ = name;
  }
  ~scratch() { std::filesystem::remove_all(path_); }
  std::string fresh() { return path_ + "/" + std::to_string(++count_); }

 private:
  std::string path_;
  int count_ = 0;
};

core::entry make_entry(std::size_t payload_bytes) {
  core::entry value;
  value.payload_id = core::random_hex(16);
  value.source = "default";
  value.destination = "sqlite";
  value.subject = "default";
  value.actor_type = "user";
  value.payload = R"({"content":")" + std::string(payload_bytes, 'x') + R"("})";
  return value;
}

std::unique_ptr<wal::log> open_log(const std::string& directory, std::int64_t segment_mb = 50,
                                   bool background = true) {
  wal::options how;
  how.background_maintenance = background;
  how.directory = directory;
  how.max_segment_size_mb = segment_mb;
  return must(wal::log::open(how));
}

std::size_t line_bytes(std::size_t payload_bytes) {
  core::entry value = make_entry(payload_bytes);
  value.timestamp = core::format_timestamp(core::now());
  std::string json;
  must(core::append_json(json, value));
  return json.size() + 10;  // tab, CRC, newline
}

struct timing {
  double entries_per_second = 0;
  std::vector<double> latencies;  ///< seconds
};

/// pwrite + fdatasync of `batch` lines at a time.
timing raw_loop(const std::string& path, std::size_t bytes, std::size_t batch, bool preallocated) {
  auto file = must(core::posix_files().create(path));
  if (preallocated) must(file->allocate(256u << 20));
  std::string block(bytes * batch, 'x');
  std::string_view piece = block;
  timing out;
  std::uint64_t offset = 0, count = 0;
  auto start = steady::now();
  while (steady::now() - start < round_time) {
    auto before = steady::now();
    must(file->write_at(offset, std::span(&piece, 1)));
    must(file->sync());
    out.latencies.push_back(seconds_since(before));
    offset += block.size();
    if (preallocated && offset + block.size() > (256u << 20)) offset = 0;
    count += batch;
  }
  out.entries_per_second = static_cast<double>(count) / seconds_since(start);
  return out;
}

/// `callers` threads, each with one append at a time.
timing append_loop(wal::log& log, std::size_t payload_bytes, std::size_t callers) {
  std::vector<std::vector<double>> latencies(callers);
  std::atomic<std::uint64_t> count{0};
  auto start = steady::now();
  {
    std::vector<std::jthread> threads;
    for (auto& mine : latencies)
      threads.emplace_back([&] {
        auto value = make_entry(payload_bytes);
        const auto id = value.payload_id.substr(0, 24);
        while (steady::now() - start < round_time) {
          value.payload_id = id + std::to_string(10'000'000 + mine.size());
          auto before = steady::now();
          must(log.append(value));
          mine.push_back(seconds_since(before));
        }
        count += mine.size();
      });
  }
  timing out;
  out.entries_per_second = static_cast<double>(count) / seconds_since(start);
  for (auto& mine : latencies) out.latencies.insert(out.latencies.end(), mine.begin(), mine.end());
  return out;
}

/// One thread that hands over batches, as the log's actor does.
timing batch_loop(wal::log& log, std::size_t payload_bytes, std::size_t batch) {
  auto value = make_entry(payload_bytes);
  const auto id = value.payload_id.substr(0, 24);
  timing out;
  std::uint64_t count = 0;
  double spent = 0;
  auto start = steady::now();
  while (steady::now() - start < round_time) {
    std::vector<core::entry_ptr> entries;
    for (std::size_t i = 0; i < batch; ++i) {
      value.payload_id = id + std::to_string(10'000'000 + count++);
      entries.push_back(std::make_shared<const core::entry>(value));
    }
    auto before = steady::now();
    for (auto& outcome : log.append_batch(entries)) must(std::move(outcome));
    out.latencies.push_back(seconds_since(before));
    spent += out.latencies.back();
  }
  out.entries_per_second = static_cast<double>(count) / spent;  // making the entries is not counted
  return out;
}

std::vector<std::string> cells(timing& result, std::size_t bytes) {
  auto us = [&](double share) {
    return fixed(bench::percentile(result.latencies, share) * 1e6, 0);
  };
  return {fixed(result.entries_per_second, 0),
          fixed(result.entries_per_second * static_cast<double>(bytes) / 1e6), us(.5), us(.99),
          us(.999)};
}

double median(std::vector<double> values) {
  return bench::percentile(values, .5);
}

void bench_appends(bench::report& out, scratch& disk) {
  out.title("Appends, 1 KB payload");
  out.row("", {"entries/s", "MB/s", "p50 us", "p99 us", "p99.9 us"});
  auto bytes = line_bytes(1024);
  for (std::size_t callers : {1, 8, 64, 256}) {
    std::vector<double> rates, latencies;
    timing plain, raw, ours, batched;
    auto log = open_log(disk.fresh());
    for (int round = 0; round < rounds; ++round) {
      plain = raw_loop(disk.fresh(), bytes, callers, false);
      raw = raw_loop(disk.fresh(), bytes, callers, true);
      ours = append_loop(*log, 1024, callers);
      batched = batch_loop(*log, 1024, callers);
      rates.push_back(ours.entries_per_second / raw.entries_per_second);
      latencies.push_back(bench::percentile(ours.latencies, .5) /
                          bench::percentile(raw.latencies, .5));
    }
    auto of = " x " + std::to_string(callers);
    out.row("raw pwrite+fdatasync" + of, cells(plain, bytes));
    out.row("raw, preallocated" + of, cells(raw, bytes));
    out.row("log, threads" + of, cells(ours, bytes));
    out.row("log, one batch" + of, cells(batched, bytes));
    if (callers == 1) out.check("append latency, 1 caller / raw", median(latencies), "<=", 1.15);
    if (callers >= 64)
      out.check("append rate, " + std::to_string(callers) + " callers / raw", median(rates),
                ">=", 0.85);
  }
}

void bench_sizes(bench::report& out, scratch& disk) {
  out.title("Batches of 64 by payload size");
  out.row("", {"entries/s", "MB/s", "p50 us", "p99 us", "p99.9 us"});
  for (std::size_t payload : {256, 1024, 16 * 1024}) {
    auto bytes = line_bytes(payload);
    auto raw = raw_loop(disk.fresh(), bytes, 64, true);
    auto log = open_log(disk.fresh());
    auto ours = batch_loop(*log, payload, 64);
    out.row("raw, " + std::to_string(payload) + " B", cells(raw, bytes));
    out.row("log, " + std::to_string(payload) + " B", cells(ours, bytes));
  }
}

/// Fills a log with `megabytes` of entries and returns their ids.
std::vector<std::string> fill(wal::log& log, std::size_t megabytes) {
  std::vector<std::string> ids;
  std::size_t bytes = 0;
  while (bytes < megabytes << 20) {
    std::vector<core::entry_ptr> batch;
    for (int i = 0; i < 256; ++i) {
      batch.push_back(std::make_shared<const core::entry>(make_entry(1024)));
      ids.push_back(batch.back()->payload_id);
    }
    for (auto& outcome : log.append_batch(batch)) must(std::move(outcome));
    bytes += 256 * line_bytes(1024);
  }
  return ids;
}

/// Without the background thread, so that no sync of its own falls into a round by chance.
double marks_per_second(scratch& disk, std::size_t megabytes) {
  auto log = open_log(disk.fresh(), 100, false);
  auto ids = fill(*log, megabytes);
  ids.resize(700);
  auto start = steady::now();
  for (std::size_t at = 0; at < ids.size(); at += 50)
    must(log->mark_delivered_batch(std::span(ids).subspan(at, 50), "sqlite"));
  return static_cast<double>(ids.size()) / seconds_since(start);
}

void bench_marks(bench::report& out, scratch& disk) {
  out.title("Marks, 50 ids a batch");
  out.row("", {"ids/s"});
  constexpr std::array<std::size_t, 3> sizes{1, 10, 50};
  std::array<std::vector<double>, sizes.size()> rates;
  for (int round = 0; round < 2 * rounds; ++round)
    for (std::size_t i = 0; i < sizes.size(); ++i)
      rates[i].push_back(marks_per_second(disk, sizes[i]));
  for (std::size_t i = 0; i < sizes.size(); ++i)
    out.row("with " + std::to_string(sizes[i]) + " MB in the segment",
            {fixed(median(rates[i]), 0)});
  out.check("marks at 50 MB / at 1 MB", median(rates[2]) / median(rates[0]), ">=", 0.9);
}

void bench_amplification(bench::report& out, scratch& disk) {
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
  out.title("Bytes written for an entry's life, over its line's length");
  out.row("append + marks + settling", {fixed(ratio, 2)});
  out.check("write amplification", ratio, "<=", 2.3);
}

void bench_open(bench::report& out, scratch& disk) {
  auto directory = disk.fresh();
  {
    auto log = open_log(directory);
    fill(*log, 200);
    must(log->close());
  }
  std::vector<double> ratios;
  double bare_rate = 0, open_rate = 0;
  for (int round = 0; round < rounds; ++round) {
    std::uint64_t bytes = 0;
    auto start = steady::now();
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
    bare_rate = static_cast<double>(bytes) / 1e6 / seconds_since(start);
    start = steady::now();
    auto log = open_log(directory);
    open_rate = static_cast<double>(bytes) / 1e6 / seconds_since(start);
    ratios.push_back(open_rate / bare_rate);
  }
  out.title("Opening 200 MB of pending entries");
  out.row("", {"MB/s"});
  out.row("read + crc32", {fixed(bare_rate, 0)});
  out.row("open", {fixed(open_rate, 0)});
  out.check("open / (read + crc32)", median(ratios), ">=", 0.5);
}

void bench_memory(bench::report& out, scratch& disk) {
  auto directory = disk.fresh();
  constexpr std::size_t count = 1'000'000;
  {
    auto log = open_log(directory);
    for (std::size_t done = 0; done < count; done += 1000) {
      std::vector<core::entry_ptr> batch;
      for (int i = 0; i < 1000; ++i)
        batch.push_back(std::make_shared<const core::entry>(make_entry(64)));
      for (auto& outcome : log->append_batch(batch)) must(std::move(outcome));
    }
  }
  ::malloc_trim(0);
  auto before = ::mallinfo2();
  auto log = open_log(directory);
  auto after = ::mallinfo2();
  auto used = static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd);
  out.title("Memory with 1,000,000 pending entries");
  out.row("bytes an entry", {fixed(used / count)});
  out.check("bytes a pending entry", used / count, "<=", 96);
}

}  // namespace

int main(int argc, char** argv) {
  bench::report out(argc, argv);
  scratch disk;
  bench_appends(out, disk);
  bench_sizes(out, disk);
  bench_marks(out, disk);
  bench_amplification(out, disk);
  bench_open(out, disk);
  bench_memory(out, disk);
  return out.finish();
}
