#include "bench/report.hpp"

#include <fmt/format.h>
#include <rapidjson/ostreamwrapper.h>
#include <rapidjson/prettywriter.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace nexus::bench {
namespace {

using json_writer = rapidjson::PrettyWriter<rapidjson::OStreamWrapper>;

void print_row(std::string_view name, const std::vector<std::string>& cells) {
  fmt::print("  {:<40}", name);
  for (const auto& cell : cells) fmt::print(" {:>14}", cell);
  fmt::print("\n");
  std::fflush(stdout);
}

void write(json_writer& out, const std::string& text) {
  out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write(json_writer& out, std::string_view key, const std::string& text) {
  out.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  write(out, text);
}

template <class Items, class Write>
void write_list(json_writer& out, const char* key, const Items& items, Write each) {
  out.Key(key);
  out.StartArray();
  for (const auto& item : items) each(item);
  out.EndArray();
}

}  // namespace

report::report(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--json") {
    json_path_ = argv[2];
  } else if (argc != 1) {
    fmt::print(stderr, "usage: {} [--json FILE]\n", argv[0]);
    std::exit(2);
  }
}

void report::machine(std::vector<std::pair<std::string, std::string>> facts) {
  machine_ = std::move(facts);
  for (const auto& [name, value] : machine_) fmt::print("{:<14}{}\n", name, value);
}

void report::table(std::string_view title, std::vector<std::string> columns) {
  fmt::print("\n{}\n", title);
  print_row("", columns);
  tables_.push_back({std::string(title), std::move(columns), {}});
}

void report::row(std::string_view name, const std::vector<std::string>& cells) {
  print_row(name, cells);
  tables_.back().rows.push_back({std::string(name), cells});
}

void report::check(std::string_view name, double value, std::string_view op, double limit) {
  bool ok = op == "<=" ? value <= limit : value >= limit;
  checks_.push_back({std::string(name), value, std::string(op), limit, ok});
}

int report::finish() {
  fmt::print("\nChecks (ratios within this run)\n");
  bool all = true;
  for (const auto& one : checks_) {
    print_row(one.name,
              {fixed(one.value, 3), one.op + " " + fixed(one.limit, 2), one.ok ? "ok" : "MISSED"});
    all = all && one.ok;
  }
  if (!json_path_.empty() && !write_json()) {
    fmt::print(stderr, "cannot write {}\n", json_path_);
    return 2;
  }
  return all ? 0 : 1;
}

bool report::write_json() const {
  std::ofstream file(json_path_);
  rapidjson::OStreamWrapper stream(file);
  json_writer out(stream);
  out.StartObject();
  write_list(out, "checks", checks_, [&](const checked& one) {
    out.StartObject();
    write(out, "name", one.name);
    out.Key("value");
    out.Double(one.value);
    write(out, "op", one.op);
    out.Key("limit");
    out.Double(one.limit);
    out.Key("ok");
    out.Bool(one.ok);
    out.EndObject();
  });
  out.Key("machine");
  out.StartObject();
  for (const auto& [name, value] : machine_) write(out, name, value);
  out.EndObject();
  write_list(out, "tables", tables_, [&](const printed_table& table) {
    out.StartObject();
    write(out, "title", table.title);
    write_list(out, "columns", table.columns, [&](const auto& column) { write(out, column); });
    write_list(out, "rows", table.rows, [&](const printed_row& line) {
      out.StartObject();
      write(out, "name", line.name);
      write_list(out, "cells", line.cells, [&](const auto& cell) { write(out, cell); });
      out.EndObject();
    });
    out.EndObject();
  });
  out.EndObject();
  file << '\n';
  return file.good();
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

double median(std::vector<double> values) {
  return percentile(values, .5);
}

}  // namespace nexus::bench
