// Load for the pipeline: entries as ingest hands them in, logs full of them, destinations that do
// nothing, and how fast a pipeline gets through.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "actors/pipeline.hpp"
#include "bench/give_up.hpp"
#include "bench/wal_load.hpp"
#include "destinations/registry.hpp"

namespace nexus::bench {

/// Entries of a batch, of the pipeline and of every bare loop beside it.
inline constexpr std::size_t batch_entries = 256;

/// An entry whose payload is a TranslatedPayload with all its members (section 3.4 of the v0.1.2
/// behaviour), of about 355 bytes. Equal numbers make equal ids; the ids are spread evenly, as
/// random ones are.
core::entry_ptr make_delivery(std::uint64_t number, const std::string& destination);

/// Entries 0 to `count` - 1.
std::vector<core::entry_ptr> make_deliveries(std::size_t count, const std::string& destination);

/// Makes a log in which entries 0 to `count` - 1 are pending for each of the destinations, the
/// destinations of one entry side by side.
void fill_log(const std::string& directory, std::size_t count,
              const std::vector<std::string>& destinations);

/// How logs are opened here: segments so large that none is settled, on the side, in the middle of
/// a measurement.
wal::options log_options(const std::string& directory);

/// The built-in types; "none", which takes everything at once; and "dead", which is never
/// reachable.
destinations::registry bench_types();

/// A destination of one of these types with the settings that are its type's defaults.
actors::destination_options make_options(const std::string& name, const std::string& type,
                                         core::setting_values values = {});

/// Starts a pipeline, waits until `count` entries are marked as delivered, and stops it. Entries a
/// second, from the moment when its actors run: connecting to destinations counts. Where one starts
/// paused, the clock starts when every window is full, and so do the paused ones. Ends the program
/// when the entries do not come through.
double delivery_rate(const actors::pipeline_options& how, const destinations::registry& types,
                     std::size_t count);

/// Waits until `holds` says true, looking once in a millisecond; ends the program, naming `what`,
/// if that takes minutes.
template <class Condition>
void wait_until(const char* what, Condition holds);

/// A thread that only reads entries from the log and marks them, a batch at a time. Entries a
/// second.
double bare_log_rate(const std::string& directory, const std::string& destination);

}  // namespace nexus::bench

template <class Condition>
void nexus::bench::wait_until(const char* what, Condition holds) {
  const auto start = steady::now();
  while (!holds()) {
    if (steady::now() - start > std::chrono::minutes(3))
      give_up(std::string("waited too long until ") + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}
