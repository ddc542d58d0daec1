#include "bench/report.hpp"

#include <fmt/format.h>
#include <rapidjson/ostreamwrapper.h>
#include <rapidjson/prettywriter.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace nexus::bench {

report::report(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--json") {
    json_path_ = argv[2];
  } else if (argc != 1) {
    fmt::print(stderr, "usage: {} [--json FILE]\n", argv[0]);
    std::exit(2);
  }
}

void report::title(std::string_view text) {
  fmt::print("\n{}\n", text);
}

void report::row(std::string_view name, const std::vector<std::string>& cells) {
  fmt::print("  {:<44}", name);
  for (const auto& cell : cells) fmt::print(" {:>14}", cell);
  fmt::print("\n");
  std::fflush(stdout);
}

void report::check(std::string_view name, double value, std::string_view op, double limit) {
  bool ok = op == "<=" ? value <= limit : value >= limit;
  checks_.push_back({std::string(name), value, std::string(op), limit, ok});
}

int report::finish() {
  title("Checks (ratios within this run)");
  bool all = true;
  for (const auto& one : checks_) {
    row(one.name,
        {fixed(one.value, 3), one.op + " " + fixed(one.limit, 2), one.ok ? "ok" : "MISSED"});
    all = all && one.ok;
  }
  if (json_path_.empty()) return all ? 0 : 1;
  std::ofstream file(json_path_);
  rapidjson::OStreamWrapper stream(file);
  rapidjson::PrettyWriter writer(stream);
  writer.StartObject();
  writer.Key("checks");
  writer.StartArray();
  for (const auto& one : checks_) {
    writer.StartObject();
    writer.Key("name");
    writer.String(one.name.c_str());
    writer.Key("value");
    writer.Double(one.value);
    writer.Key("op");
    writer.String(one.op.c_str());
    writer.Key("limit");
    writer.Double(one.limit);
    writer.Key("ok");
    writer.Bool(one.ok);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  file << '\n';
  if (!file.good()) {
    fmt::print(stderr, "cannot write {}\n", json_path_);
    return 2;
  }
  return all ? 0 : 1;
}

std::string fixed(double value, int decimals) {
  return fmt::format("{:.{}f}", value, decimals);
}

double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  auto last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(share * last)];
}

}  // namespace nexus::bench
