// Builds the files of a sealed log line by line, and tampers with them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/wal/log_support.hpp"
#include "wal/chain.hpp"
#include "wal/format.hpp"
#include "wal/verify.hpp"

namespace nexus::test {

inline wal::options signed_options(const std::string& directory) {
  auto how = options_for(directory);
  how.integrity = wal::integrity_mode::mac;
  how.mac_key = "the key of the tests";
  return how;
}

inline wal::options encrypted_options(const std::string& directory) {
  auto how = signed_options(directory);
  how.encryption.enabled = true;
  how.encryption.with = wal::cipher::xchacha20_poly1305;
  how.encryption.keys = {std::string(32, 'k')};
  return how;
}

inline std::unique_ptr<wal::line_format> format_for(const wal::options& how) {
  auto made = wal::line_format::make(how);
  REQUIRE(made.ok());
  return *std::move(made);
}

/// Without their newlines.
inline std::vector<std::string> lines_of(const std::string& bytes) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size();) {
    auto end = std::min(bytes.find('\n', at), bytes.size());
    lines.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

inline std::string bytes_from(const std::vector<std::string>& lines) {
  std::string bytes;
  for (const auto& line : lines) (bytes += line) += '\n';
  return bytes;
}

inline std::vector<std::string> read_lines(const std::string& path) {
  return lines_of(read_file(path));
}
inline void write_lines(const std::string& path, const std::vector<std::string>& lines) {
  write_file(path, bytes_from(lines));
}

/// A log written by hand: its segments, their seals and the anchor.
class sealed_log {
 public:
  explicit sealed_log(const wal::options& how) : how_(how), format_(format_for(how)) {
    REQUIRE(wal::write_anchor(how_, *format_, anchor_).ok());
  }

  const wal::line_format& format() const { return *format_; }
  const wal::anchor& anchor() const { return anchor_; }
  std::string path(const std::string& segment) const { return how_.directory + "/" + segment; }
  std::string segment() const { return name_; }

  /// What is written from now on goes into a new segment, which becomes the newest.
  std::string begin() {
    name_ = "wal-10000000000000000" + std::to_string(10 + begun_++) + ".jsonl";
    encoder_ = std::make_unique<wal::line_encoder>(*format_, name_);
    std::string header;
    encoder_->append_header(header, "2026-01-01T00:00:00Z");
    write_file(path(name_), header);
    chain_ = std::make_unique<wal::chain>(name_, previous_);
    return name_;
  }

  static std::string json_of(const core::entry& value) {
    std::string json;
    REQUIRE(core::append_json(json, value).ok());
    return json;
  }

  void append(const core::entry& value) {
    auto json = json_of(value);
    chain_->add(format_->mac_of(json));
    append_json_line(json);
  }
  void append_json_line(std::string_view json) {
    std::string line;
    encoder_->append_line(line, json);
    std::ofstream(path(name_), std::ios::binary | std::ios::app) << line;
  }

  /// `count` entries.
  void fill(int count) {
    for (int i = 0; i < count; ++i) {
      auto value = make_entry("entry-" + std::to_string(next_id_++));
      value.timestamp = "2026-01-02T03:04:05.000000001Z";
      append(value);
    }
  }

  void seal(bool with_anchor = true) {
    auto made = seal_value();
    add_seal_line(made);
    if (with_anchor) write_newest(made);
  }
  wal::seal seal_value() {
    auto made = chain_->seal_now(*format_);
    previous_ = made.value;
    return made;
  }
  void add_seal_line(const wal::seal& made) {
    std::string json;
    wal::append_json(json, made, "2026-01-02T00:00:00Z");
    append_json_line(json);
  }
  void write_newest(const wal::seal& made) {
    anchor_.newest = {made.segment, made.value};
    REQUIRE(wal::write_anchor(how_, *format_, anchor_).ok());
  }
  void write_oldest(const wal::seal_mark& mark) {
    anchor_.oldest = mark;
    REQUIRE(wal::write_anchor(how_, *format_, anchor_).ok());
  }

  /// A new segment with so many entries, sealed.
  std::string sealed_segment(int count) {
    begin();
    fill(count);
    seal();
    return name_;
  }

  /// The line of `json` in the file `segment`.
  std::string line_for(const std::string& segment, std::string_view json) const {
    std::string line;
    wal::line_encoder(*format_, segment).append_line(line, json);
    line.pop_back();
    return line;
  }

  /// Gives the entry in a line another status, as settling does.
  std::string settled(const std::string& segment, const std::string& line, std::string_view status,
                      bool note = false) const {
    wal::line_decoder decoder(*format_, segment);
    auto parts = decoder.read_line(line);
    auto entry = core::parse_entry(parts.json);
    REQUIRE(entry.ok());
    entry->status = status;
    if (note)
      entry->extension += R"(,"failed_at":"2026-01-03T00:00:00Z","failure_reason":"no \"x\"")";
    return line_for(segment, json_of(*entry));
  }

 private:
  wal::options how_;
  std::unique_ptr<wal::line_format> format_;
  wal::anchor anchor_;
  std::string previous_{wal::no_seal};
  std::string name_;
  std::unique_ptr<wal::line_encoder> encoder_;
  std::unique_ptr<wal::chain> chain_;
  int begun_ = 0, next_id_ = 0;
};

inline wal::verification verified(const wal::options& how) {
  auto done = wal::verify(how);
  INFO((done ? "" : done.reason().text));
  REQUIRE(done.ok());
  return *std::move(done);
}

/// Findings for people who read a failed test.
inline std::string told(const wal::verification& out) {
  std::string text = std::to_string(out.breaches) + " breaches";
  for (const auto& one : out.findings)
    text += "\n  " + one.segment + ":" + std::to_string(one.line) + ": " +
            wal::to_string(one.what) + ": " + one.text;
  return text;
}

inline void check_clean(const wal::options& how) {
  auto out = verified(how);
  INFO(told(out));
  CHECK(out.breaches == 0);
}

/// The one and only finding.
inline void check_finding(const wal::options& how, wal::breach what, const std::string& segment,
                          std::uint64_t line) {
  auto out = verified(how);
  INFO(told(out));
  REQUIRE(out.breaches == 1);
  REQUIRE(out.findings.size() == 1);
  CHECK(std::string(wal::to_string(out.findings[0].what)) == wal::to_string(what));
  CHECK(out.findings[0].segment == segment);
  CHECK(out.findings[0].line == line);
}

/// Three sealed segments of twelve entries, and an active one of two. Tests tamper with the middle
/// one, whose lines 1 to 12 are entries and whose line 13 is its seal.
struct tampering {
  temp_dir dir;
  wal::options how = signed_options(dir.path());
  sealed_log log{how};
  std::string first = log.sealed_segment(12);
  std::string middle = log.sealed_segment(12);
  std::string last = log.sealed_segment(12);
  std::string active;
  std::vector<std::string> stored = read_lines(log.path(middle));

  tampering() {
    active = log.begin();
    log.fill(2);
  }
  void write() const { write_lines(log.path(middle), stored); }
  void expect(wal::breach what, std::uint64_t line) const {
    write();
    check_finding(how, what, middle, line);
  }
};

/// The line without its HMAC.
inline std::string stripped(const std::string& line) {
  return line.substr(0, line.rfind('\t'));
}

}  // namespace nexus::test
