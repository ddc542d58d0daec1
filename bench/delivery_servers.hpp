// Delivery into servers that this program starts itself.
#pragma once

#include "bench/report.hpp"
#include "bench/wal_load.hpp"

namespace nexus::bench {

/// The pipeline beside libpq alone, with as many connections as workers. Says so, and measures
/// nothing, where there is no PostgreSQL. The server's directory is in the one for temporary files.
void bench_postgres(report& out, scratch& disk);

/// The pipeline beside libnats alone, likewise.
void bench_jetstream(report& out, scratch& disk);

}  // namespace nexus::bench
