// The ways in which a disk, a crash or a hand may spoil one file of a directory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace nexus::test::sweep {

/// How many there are to be: `bits` of each byte are flipped, and every `step`-th offset counts.
struct density {
  std::uint64_t step = 1;
  int bits = 8;
};

/// What was done, for those who read a failed test, and what the file is then.
using mutation_visitor = std::function<void(const std::string& what, const std::string& bytes)>;

/// Calls `visit` with `bytes` cut at every offset, with zeros from every offset on, with every bit
/// flipped, with each line deleted, repeated, and changed with each other line, and with the tail
/// of `old`, what stood in its place before, behind every offset.
void for_each_mutation(const std::string& bytes, const std::string& old, density how,
                       const mutation_visitor& visit);

}  // namespace nexus::test::sweep
