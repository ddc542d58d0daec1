// Tables for people: columns under their titles, as wide as their widest cell.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::cli {

class table {
 public:
  enum class align { left, right };
  struct column {
    std::string title;
    align where = align::left;
  };

  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  /// One cell for each column.
  void add(std::vector<std::string> cells);

  /// A line for the titles and one for each row; widths count characters of UTF-8. Control
  /// characters become '?': cells may hold what strangers wrote, and a terminal obeys them.
  std::string text() const;

 private:
  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// `text` with '?' for each control character.
std::string printable(std::string_view text);

/// A number of bytes for people: `512 B`, `3.4 MiB`.
std::string size_text(std::uint64_t bytes);

/// `1 line`, `2 lines`; `many` is the plural.
std::string count_text(std::uint64_t count, std::string_view one, std::string_view many);

}  // namespace nexus::cli
