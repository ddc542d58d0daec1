#include "config/finding.hpp"

#include <algorithm>

#include "core/json_object.hpp"

namespace nexus::config {

std::string to_string(const finding& problem) {
  std::string out = problem.where.file;
  if (problem.where.line > 0) {
    out += ':' + std::to_string(problem.where.line) + ':' + std::to_string(problem.where.column);
  }
  out += problem.level == severity::error ? ": error: " : ": warning: ";
  return out + problem.message + " [" + problem.code + ']';
}

void append_json(std::string& out, const finding& problem, std::string_view file) {
  core::json_object(out)
      .text("severity", problem.level == severity::error ? "error" : "warn")
      .text("code", problem.code)
      .text("message", problem.message)
      .text("file", file)
      .number("line", problem.where.line)
      .number("column", problem.where.column)
      .end();
}

bool has_errors(const std::vector<finding>& problems) noexcept {
  return std::any_of(problems.begin(), problems.end(),
                     [](const finding& f) { return f.level == severity::error; });
}

}  // namespace nexus::config
