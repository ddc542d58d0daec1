// Delivery beside what the same destination does without a pipeline.
//
// Absolute figures depend on the machine and on the hour; the checks are medians of ratios against
// a bare loop that is measured in alternating rounds with the pipeline. docs/performance.md says
// what is measured, and how to read it.
#include <algorithm>
#include <functional>
#include <semaphore>

#include "bench/bare_sqlite.hpp"
#include "bench/delivery_load.hpp"
#include "bench/delivery_memory.hpp"
#include "bench/delivery_rounds.hpp"
#include "bench/delivery_servers.hpp"
#include "bench/give_up.hpp"
#include "bench/machine.hpp"
#include "bench/report.hpp"
#include "core/metrics.hpp"

namespace {

using namespace nexus;
using namespace nexus::bench;

void bench_pipeline_alone(report& out, scratch& disk) {
  constexpr std::size_t count = 200'000;
  out.table("Delivered and marked, a destination that does nothing", rate_columns);
  auto ratio =
      run_rounds(out, {{"bare: read from the log, mark",
                        [&] {
                          const auto directory = disk.fresh();
                          fill_log(directory, count, {"d"});
                          const auto rate = bare_log_rate(directory, "d");
                          disk.remove(directory);
                          return rate;
                        }},
                       through_pipeline(disk, count, [] { return make_options("d", "none"); })});
  out.check("pipeline / reading and marking", ratio, ">=", 0.7);
}

void bench_sqlite(report& out, scratch& disk) {
  constexpr std::size_t count = 400 * batch_entries;
  const auto rows = records_of(make_deliveries(count, "d"));
  const auto fresh_file = [&] { return disk.fresh() + ".db"; };
  out.table("Delivered and marked, SQLite", rate_columns);
  auto ratio = run_rounds(out, {{"bare: prepared INSERT, 256 a transaction",
                                 [&] { return bare_sqlite_rate(fresh_file(), rows); }},
                                through_pipeline(disk, count, [&] {
                                  return make_options("d", "sqlite", {{"db_path", fresh_file()}});
                                })});
  out.check("pipeline / bare, sqlite", ratio, ">=", 0.7);
}

/// Seconds from the moment when an entry is durable until its sender hears that it has been
/// delivered.
double time_delivery(actors::pipeline& line, const core::entry_ptr& entry) {
  std::binary_semaphore told(0);
  steady::time_point durable, delivered;
  const auto on_durable = [&](const core::result<void>& answer) {
    must(core::result<void>(answer));
    durable = steady::now();
  };
  const auto on_delivered = [&](const core::delivery_report& answer) {
    if (answer.at(entry->destination) != core::delivery_state::delivered)
      give_up("an entry was not delivered");
    delivered = steady::now();
    told.release();
  };
  line.append({entry}, on_durable, core::confirmation{std::chrono::minutes(1), on_delivered});
  told.acquire();
  return std::chrono::duration<double>(delivered - durable).count();
}

/// Each entry beside a bare transaction with the same row, in turns before and after it: a disk may
/// answer the first of several syncs sooner than the last.
void bench_latency(report& out, scratch& disk) {
  constexpr std::size_t warm_up = 20, count = 400;
  actors::pipeline_options how;
  how.wal = log_options(disk.fresh());
  how.destinations.push_back(make_options("d", "sqlite", {{"db_path", disk.fresh() + ".db"}}));
  const auto types = bench_types();
  core::metrics metrics;
  auto line = must(actors::pipeline::start(how, types, core::make_null_logger(), metrics));
  bare_sqlite store(disk.fresh() + ".db");
  std::vector<double> delivered, bare, ratios;
  for (std::size_t i = 0; i < warm_up + count; ++i) {
    const auto entry = make_delivery(i, "d");
    const auto row = records_of({entry});
    const auto time_row = [&] {
      const auto begun = steady::now();
      store.insert(row);
      return seconds_since(begun);
    };
    const bool bare_first = i % 2 == 0;
    double alone = bare_first ? time_row() : 0;
    const double through = time_delivery(*line, entry);
    if (!bare_first) alone = time_row();
    if (i < warm_up) continue;
    bare.push_back(alone);
    delivered.push_back(through);
    ratios.push_back(through / alone);
  }
  line->stop(std::chrono::seconds(10));
  out.table("Latency of one entry at a time, SQLite", {"p50 ms", "p99 ms", "of bare"});
  const auto ms = [](std::vector<double>& all, double share) {
    return fixed(percentile(all, share) * 1e3, 2);
  };
  out.row("bare: a transaction with one row", {ms(bare, .5), ms(bare, .99), "1.00"});
  out.row("durable to delivered",
          {ms(delivered, .5), ms(delivered, .99), fixed(median(ratios), 2)});
  out.check("durable to delivered, p50 in ms", percentile(delivered, .5) * 1e3, "<=", 5);
}

void bench_memory(report& out, scratch& disk) {
  const auto found = measure_dead_backlog(disk.fresh());
  const auto pending = static_cast<double>(found.pending);
  const auto window = std::min(static_cast<double>(found.window_entries_max) * found.bytes_an_entry,
                               static_cast<double>(found.window_bytes_max));
  constexpr double index_bytes = 96, rest = 16e6;
  out.table("Memory with 1,000,000 entries pending for a dead destination", {"MB", "bytes/entry"});
  out.row("an entry in memory", {"", fixed(found.bytes_an_entry, 0)});
  out.row("a full window", {fixed(window / 1e6), ""});
  out.row("resident, grown by", {fixed(found.grown / 1e6), fixed(found.grown / pending)});
  out.row("resident at most meanwhile, grown by",
          {fixed(found.peak / 1e6), fixed(found.peak / pending)});
  out.check("resident MB with 1,000,000 pending", found.grown / 1e6,
            "<=", (window + index_bytes * pending + rest) / 1e6);
}

/// Every entry goes to both destinations, so that the log holds and does the same with and without
/// the dead one. What differs is that it is there, with a full window, and is tried ten times as
/// often as by default. Filling its window is done once, however long it is dead, and not counted.
void bench_dead_neighbour(report& out, scratch& disk) {
  constexpr std::size_t count = 200'000, many = 15;
  const auto with = [&](bool neighbour) {
    return [&disk, neighbour] {
      actors::pipeline_options how;
      const auto directory = disk.fresh();
      fill_log(directory, count, {"d", "dead"});
      how.wal = log_options(directory);
      how.destinations.push_back(make_options("d", "none"));
      how.destinations.back().paused = true;
      if (neighbour) {
        how.destinations.push_back(make_options("dead", "dead"));
        how.destinations.back().breaker.open = std::chrono::milliseconds(100);
        how.destinations.back().breaker.open_max = std::chrono::milliseconds(100);
      }
      const auto rate = delivery_rate(how, bench_types(), count);
      disk.remove(directory);
      return rate;
    };
  };
  out.table("A healthy destination beside a dead one", {"entries/s", "of alone"});
  auto ratio = run_rounds(out, {{"alone", with(false)}, {"beside a dead one", with(true)}}, many);
  out.check("beside a dead one / alone", ratio, ">=", 0.95);
}

}  // namespace

int main(int argc, char** argv) {
  report out(argc, argv);
  scratch disk;
  out.machine(describe_machine(disk.path()));
  bench_memory(out, disk);  // first: its process is a copy of this one, and threads are not copied
  bench_pipeline_alone(out, disk);
  bench_sqlite(out, disk);
  bench_postgres(out, disk);
  bench_jetstream(out, disk);
  bench_latency(out, disk);
  bench_dead_neighbour(out, disk);
  return out.finish();
}
