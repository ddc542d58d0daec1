// What one line is, by docs/wal-format.md alone: no code of wal/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nexus::test::sweep {

struct reading_rules {
  std::string mac_key;  ///< empty: integrity "crc32"
  bool accept_unsigned = true;
  std::vector<std::string> encryption_keys;
};

enum class line_class {
  whole,
  blank,
  torn,
  bad_sentinel,
  bad_crc,
  bad_mac,
  missing_mac,
  no_key,
  undecodable,
  malformed
};

struct line {
  bool is_terminated = true;  ///< by a newline
  std::string text;
  std::uint64_t offset = 0;
  line_class is = line_class::blank;
  bool is_encrypted = false, is_signed = false;  ///< as far as it was checked
  std::string json;                              ///< of a line that is whole
  std::map<std::string, std::string> members;    ///< by folded key, as they are spelled

  /// The text under a key; empty if there is none.
  std::string operator[](const std::string& key) const;
};

/// The lines of a file, not looked at yet.
std::vector<line> split_lines(const std::string& bytes);

/// Looks at a line of the file `name`.
void classify(line& one, const std::string& name, const reading_rules& rules);

}  // namespace nexus::test::sweep
