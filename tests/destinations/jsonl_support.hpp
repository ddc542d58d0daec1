// What the tests of the JSON Lines destination share.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "destinations/jsonl.hpp"
#include "tests/support/temp_dir.hpp"

namespace nexus::test {

using texts = std::vector<std::string>;

inline core::entry_ptr json_entry(const std::string& id, const std::string& payload) {
  auto entry = std::make_shared<core::entry>();
  entry->payload_id = id;
  entry->payload = payload;
  return entry;
}

/// What the destination writes of `entry_of_id`, without the newline.
inline std::string line_of_id(const std::string& id) {
  return R"({"payload_id":")" + id + R"(","content":"c"})";
}

inline core::entry_ptr entry_of_id(const std::string& id) {
  return json_entry(id, line_of_id(id));
}

inline std::vector<core::entry_ptr> entries_of(const texts& ids) {
  std::vector<core::entry_ptr> batch;
  for (const auto& id : ids) batch.push_back(entry_of_id(id));
  return batch;
}

inline std::vector<destinations::outcome_kind> deliver_ids(destinations::destination& to,
                                                           const texts& ids) {
  std::vector<destinations::outcome_kind> kinds;
  for (const auto& outcome : to.deliver(entries_of(ids))) kinds.push_back(outcome.kind);
  return kinds;
}

/// The lines of a file; one that no newline ends is marked.
inline texts lines_in(const std::string& path) {
  texts lines;
  std::istringstream in(read_file(path));
  for (std::string line; std::getline(in, line);) {
    lines.push_back(in.eof() ? line + " (torn)" : line);
  }
  return lines;
}

inline texts lines_of_ids(const texts& ids) {
  texts lines;
  for (const auto& id : ids) lines.push_back(line_of_id(id));
  return lines;
}

/// The files of a directory, sorted.
inline texts files_in(const std::string& directory) {
  texts paths;
  for (const auto& each : std::filesystem::directory_iterator(directory)) {
    if (each.is_regular_file()) paths.push_back(each.path().string());
  }
  std::ranges::sort(paths);
  return paths;
}

/// The lines of all files of a directory; `x-2026….jsonl` sorts before `x.jsonl`, so they come in
/// the order in which they were written.
inline texts all_lines(const std::string& directory) {
  texts lines;
  for (const auto& path : files_in(directory)) {
    for (auto& line : lines_in(path)) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace nexus::test
