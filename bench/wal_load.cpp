#include "bench/wal_load.hpp"

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "bench/give_up.hpp"
#include "core/event.hpp"
#include "core/file.hpp"
#include "core/random.hpp"

namespace nexus::bench {
namespace {

constexpr std::uint64_t raw_file_bytes = 256u << 20;

}  // namespace

double seconds_since(steady::time_point start) {
  return std::chrono::duration<double>(steady::now() - start).count();
}

scratch::scratch() {
  std::string name = (std::filesystem::current_path() / "nexus-bench-XXXXXX").string();
  if (!::mkdtemp(name.data())) give_up_on_system("cannot create a directory here");
  path_ = name;
}

scratch::~scratch() {
  std::filesystem::remove_all(path_);
}

void scratch::remove(const std::string& path) const {
  std::filesystem::remove_all(path);
}

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

entry_source::entry_source(std::size_t payload_bytes)
    : value_(make_entry(payload_bytes)), prefix_(value_.payload_id.substr(0, 24)) {}

const core::entry& entry_source::next() {
  value_.payload_id = prefix_ + std::to_string(10'000'000 + count_++);
  return value_;
}

std::size_t line_bytes(std::size_t payload_bytes) {
  core::entry value = make_entry(payload_bytes);
  value.timestamp = core::format_timestamp(core::now());
  std::string json;
  must(core::append_json(json, value));
  return json.size() + 10;  // tab, CRC, newline
}

std::unique_ptr<wal::log> open_log(const std::string& directory, std::int64_t segment_mb,
                                   bool background) {
  wal::options how;
  how.background_maintenance = background;
  how.directory = directory;
  how.max_segment_size_mb = segment_mb;
  return must(wal::log::open(how));
}

timing raw_loop(const std::string& path, std::size_t bytes, std::size_t batch, bool preallocated) {
  auto file = must(core::posix_files().create(path));
  if (preallocated) must(file->allocate(raw_file_bytes));
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
    if (preallocated && offset + block.size() > raw_file_bytes) offset = 0;
    count += batch;
  }
  out.entries_per_second = static_cast<double>(count) / seconds_since(start);
  return out;
}

timing append_loop(wal::log& log, std::size_t payload_bytes, std::size_t callers) {
  std::vector<std::vector<double>> latencies(callers);
  auto start = steady::now();
  {
    std::vector<std::jthread> threads;
    for (auto& mine : latencies)
      threads.emplace_back([&] {
        entry_source entries(payload_bytes);
        while (steady::now() - start < round_time) {
          const auto& value = entries.next();
          auto before = steady::now();
          must(log.append(value));
          mine.push_back(seconds_since(before));
        }
      });
  }
  auto spent = seconds_since(start);
  timing out;
  for (auto& mine : latencies) out.latencies.insert(out.latencies.end(), mine.begin(), mine.end());
  out.entries_per_second = static_cast<double>(out.latencies.size()) / spent;
  return out;
}

timing batch_loop(wal::log& log, std::size_t payload_bytes, std::size_t batch) {
  entry_source source(payload_bytes);
  timing out;
  double spent = 0;
  auto start = steady::now();
  while (steady::now() - start < round_time) {
    std::vector<core::entry_ptr> entries;
    for (std::size_t i = 0; i < batch; ++i) entries.push_back(source.next_shared());
    auto before = steady::now();
    for (auto& outcome : log.append_batch(entries)) must(std::move(outcome));
    out.latencies.push_back(seconds_since(before));
    spent += out.latencies.back();
  }
  // Making the entries is not counted.
  out.entries_per_second = static_cast<double>(batch * out.latencies.size()) / spent;
  return out;
}

timing wake_loop(std::size_t callers) {
  constexpr std::size_t turns = 200;
  std::vector<core::event> begun(turns), arrived(turns);
  std::atomic<std::size_t> count{0};
  timing out;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < callers; ++i)
      threads.emplace_back([&] {
        for (std::size_t turn = 0; turn < turns; ++turn) {
          if (++count == (turn + 1) * callers) arrived[turn].set();
          begun[turn].wait();
        }
      });
    arrived[0].wait();  // the threads are there
    auto start = steady::now();
    for (std::size_t turn = 0; turn < turns; ++turn) {
      auto before = steady::now();
      arrived[turn].wait();
      begun[turn].set();
      out.latencies.push_back(seconds_since(before));
    }
    out.entries_per_second = static_cast<double>(turns * callers) / seconds_since(start);
  }
  return out;
}

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

}  // namespace nexus::bench
