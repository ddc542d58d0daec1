// JetStream without a pipeline: messages into a stream, and nothing else.
#pragma once

#include <string>
#include <vector>

#include "core/entry.hpp"
#include "destinations/jetstream.hpp"

namespace nexus::bench {

/// Messages a second, the same ones that the destination makes, by so many connections at a time.
/// Each publishes `batch_entries` messages with the library's asynchronous call and waits until all
/// are acknowledged. Connecting does not count. Ends the program if something does not work.
double bare_jetstream_rate(const destinations::jetstream_options& options,
                           const std::vector<core::entry_ptr>& entries, std::size_t connections);

}  // namespace nexus::bench
