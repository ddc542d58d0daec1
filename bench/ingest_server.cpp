// The product, with the benchmark's destination types beside its own: `none` takes everything at
// once, so that the door and the log are measured and no database.
#include "bench/delivery_load.hpp"
#include "cli/run.hpp"

int main(int argc, char** argv) {
  return nexus::run(argc, argv, nexus::bench::bench_types());
}
