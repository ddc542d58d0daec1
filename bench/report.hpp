// What a benchmark says: tables for people, and the same with checks against targets for machines.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nexus::bench {

/// Collects results; prints each as it comes.
class report {
 public:
  /// Reads `--json FILE` from the program's arguments. Exits with 2 on anything else.
  report(int argc, char** argv);

  /// What the figures were measured on, as names and values.
  void machine(std::vector<std::pair<std::string, std::string>> facts);

  /// Begins a table.
  void table(std::string_view title, std::vector<std::string> columns);
  /// One line of it: a name, and a cell for each column, already spelled.
  void row(std::string_view name, const std::vector<std::string>& cells);

  /// A figure that has a target: `op` is "<=" or ">=".
  void check(std::string_view name, double value, std::string_view op, double limit);

  /// Prints the checks, writes the JSON file if one was asked for. The program's exit code: 1 if a
  /// check failed, 2 if the file could not be written.
  int finish();

 private:
  struct checked {
    std::string name;
    double value;
    std::string op;
    double limit;
    bool ok;
  };
  struct printed_row {
    std::string name;
    std::vector<std::string> cells;
  };
  struct printed_table {
    std::string title;
    std::vector<std::string> columns;
    std::vector<printed_row> rows;
  };
  bool write_json() const;

  std::string json_path_;
  std::vector<std::pair<std::string, std::string>> machine_;
  std::vector<printed_table> tables_;
  std::vector<checked> checks_;
};

/// `value` with `decimals` digits after the point.
std::string fixed(double value, int decimals = 1);

/// The value below which `share` (0 to 1) of the values lie; sorts them.
double percentile(std::vector<double>& values, double share);

double median(std::vector<double> values);

}  // namespace nexus::bench
