#include "tests/proof/sweep/mutations.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace nexus::test::sweep {
namespace {

/// With their newlines; the last one may have none.
std::vector<std::string> lines_of(const std::string& bytes) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size(); at += lines.back().size())
    lines.push_back(bytes.substr(at, bytes.find('\n', at) - at + 1));
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string bytes;
  for (const auto& line : lines) bytes += line;
  return bytes;
}

void tear(const std::string& bytes, const std::string& old, std::size_t at,
          const mutation_visitor& visit) {
  const auto place = std::to_string(at);
  visit("cut at " + place, bytes.substr(0, at));
  visit("zeros from " + place, bytes.substr(0, at) + std::string(bytes.size() - at, '\0'));
  if (at < old.size()) visit("an old tail from " + place, bytes.substr(0, at) + old.substr(at));
}

void flip(const std::string& bytes, std::size_t at, int bits, const mutation_visitor& visit) {
  for (int i = 0; i < bits; ++i) {
    const auto bit = (at + static_cast<std::size_t>(i)) % 8;  // of few bits, not always the same
    auto flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
    visit("bit " + std::to_string(bit) + " of byte " + std::to_string(at), flipped);
  }
}

void move_lines(const std::string& bytes, const mutation_visitor& visit) {
  const auto lines = lines_of(bytes);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto place = lines.begin() + static_cast<std::ptrdiff_t>(i);
    const auto name = "line " + std::to_string(i + 1);
    auto fewer = lines;
    fewer.erase(fewer.begin() + (place - lines.begin()));
    visit(name + " deleted", joined(fewer));
    auto more = lines;
    more.insert(more.begin() + (place - lines.begin()), *place);
    visit(name + " repeated", joined(more));
    visit(name + " repeated at the end", bytes + *place);
    for (std::size_t other = i + 1; other < lines.size(); ++other) {
      auto moved = lines;
      std::swap(moved[i], moved[other]);
      visit(name + " changed with line " + std::to_string(other + 1), joined(moved));
    }
  }
}

}  // namespace

void for_each_mutation(const std::string& bytes, const std::string& old, density how,
                       const mutation_visitor& visit) {
  for (std::size_t at = 0; at < bytes.size(); at += how.step) {
    tear(bytes, old, at, visit);
    flip(bytes, at, how.bits, visit);
  }
  move_lines(bytes, visit);
}

}  // namespace nexus::test::sweep
