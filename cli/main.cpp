#include "cli/run.hpp"
#include "destinations/registry.hpp"

int main(int argc, char** argv) {
  return nexus::run(argc, argv, nexus::destinations::builtin_types());
}
