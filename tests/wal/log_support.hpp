// What the tests of the log share: opening it, filling it, and looking at what it holds.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"
#include "wal/format.hpp"
#include "wal/log.hpp"

namespace nexus::test {

/// Options for a directory, without a background thread, so that every test is deterministic.
inline wal::options options_for(const std::string& directory) {
  wal::options how;
  how.directory = directory;
  how.background_maintenance = false;
  return how;
}

/// The plain line of a log with these options, its newline included.
inline std::string line_of(const std::string& json, const wal::options& how = {}) {
  auto format = wal::line_format::make(how);
  REQUIRE(format.ok());
  std::string line = json;
  (*format)->finish_line(line, 0);
  return line;
}

inline std::unique_ptr<wal::log> open_log(const wal::options& how) {
  auto opened = wal::log::open(how);
  INFO((opened ? "" : opened.reason().text));
  REQUIRE(opened.ok());
  return *std::move(opened);
}

inline std::unique_ptr<wal::log> open_log(const std::string& directory) {
  return open_log(options_for(directory));
}

inline core::entry make_entry(const std::string& id, const std::string& key = {},
                              const std::string& destination = "sqlite") {
  core::entry value;
  value.payload_id = id;
  value.idempotency_key = key;
  value.source = "src";
  value.destination = destination;
  value.subject = "user:x";
  value.actor_type = "user";
  value.payload = "{\"content\":\"" + id + "\"}";
  return value;
}

inline void append_ids(wal::log& to, const std::vector<std::string>& ids) {
  for (const auto& id : ids) REQUIRE(to.append(make_entry(id)).ok());
}

inline std::vector<std::string> ids_from(const std::string& prefix, int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back(prefix + std::to_string(i));
  return ids;
}

inline std::vector<std::string> replayed_ids(wal::log& from) {
  std::vector<std::string> ids;
  REQUIRE(from.replay([&](const core::entry& value) { ids.push_back(value.payload_id); }).ok());
  return ids;
}

/// Opens the directory, replays it, and closes it.
inline std::vector<std::string> ids_after_reopen(const wal::options& how) {
  return replayed_ids(*open_log(how));
}
inline std::vector<std::string> ids_after_reopen(const std::string& directory) {
  return ids_after_reopen(options_for(directory));
}

inline std::vector<std::string> segments_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& one : std::filesystem::directory_iterator(directory))
    if (one.path().extension() == ".jsonl") names.push_back(one.path().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The bytes of all segments, oldest first, preallocated space left out.
inline std::string bytes_of(const std::string& directory) {
  std::string all;
  for (const auto& path : segments_in(directory)) {
    auto bytes = read_file(path);
    all += bytes.substr(0, bytes.find_last_not_of('\0') + 1);
  }
  return all;
}

/// Names of the destinations that have pending entries.
inline std::vector<std::string> pending_destinations(const wal::log& log) {
  std::vector<std::string> names;
  for (auto& one : log.backlogs()) names.push_back(std::move(one.destination));
  return names;
}

/// A copy of the directory as a killed process leaves it: everything that was written, nothing
/// closed.
inline void copy_as_killed(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::create_directories(to);
  for (const auto& one : std::filesystem::directory_iterator(from))
    if (one.path().filename() != "lock")
      std::filesystem::copy(one.path(), to + "/" + one.path().filename().string());
}

/// Keeps what was logged.
class recording_logger final : public core::logger {
 public:
  void write(core::log_level level, std::string_view text) override {
    std::lock_guard guard(mutex_);
    lines_.emplace_back(level, text);
  }
  void set_level(core::log_level) override {}
  std::size_t count(core::log_level level) const {
    std::lock_guard guard(mutex_);
    return static_cast<std::size_t>(std::count_if(
        lines_.begin(), lines_.end(), [&](const auto& line) { return line.first == level; }));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<core::log_level, std::string>> lines_;
};

}  // namespace nexus::test
