// What a benchmark says: tables for people, and checks against targets for machines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nexus::bench {

/// Collects results; prints each as it comes.
class report {
 public:
  /// Reads `--json FILE` from the program's arguments. Exits with 2 on anything else.
  report(int argc, char** argv);

  /// Begins a table.
  void title(std::string_view text);
  /// One line of it: a name, and cells that are already spelled.
  void row(std::string_view name, const std::vector<std::string>& cells);

  /// A ratio that has a target: `op` is "<=" or ">=".
  void check(std::string_view name, double value, std::string_view op, double limit);

  /// Prints the checks, writes the JSON file if one was asked for. The program's exit code: 1 if a
  /// check failed.
  int finish();

 private:
  struct checked {
    std::string name;
    double value;
    std::string op;
    double limit;
    bool ok;
  };
  std::string json_path_;
  std::vector<checked> checks_;
};

/// `value` with `decimals` digits after the point.
std::string fixed(double value, int decimals = 1);

/// The value below which `share` (0 to 1) of the values lie; sorts them.
double percentile(std::vector<double>& values, double share);

}  // namespace nexus::bench
