#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/home.hpp"
#include "cli/mapping_check.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "cli/wire.hpp"
#include "config/loader.hpp"
#include "config/mapping_tests.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "ingest/preview.hpp"

namespace nexus::cli {
namespace {

struct outcome {
  config::mapping_test test;
  std::vector<mismatch> mismatches;
};

struct report {
  std::vector<config::finding> findings;  ///< no test has run if there are any errors
  std::vector<outcome> outcomes;

  std::size_t failed() const {
    std::size_t count = 0;
    for (const auto& one : outcomes) count += one.mismatches.empty() ? 0 : 1;
    return count;
  }
};

std::string place(const config::location& where) {
  return where.file + ':' + std::to_string(where.line) + ':' + std::to_string(where.column);
}

/// In quotes, with what a terminal would obey or a reader could not see escaped.
std::string quoted(const std::string& text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      ((out += "\\x") += hex[byte >> 4]) += hex[byte & 15];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out += '"';
}

std::string for_people(const std::optional<shown_value>& value) {
  if (!value) return "nothing";
  std::string out;
  for (const auto& text : value->texts) out += (out.empty() ? "" : ", ") + quoted(text);
  return value->is_list ? "[" + out + "]" : out;
}

void append_json(std::string& out, const std::optional<shown_value>& value) {
  if (!value) {
    out += "null";
    return;
  }
  if (value->is_list) out += '[';
  for (std::size_t i = 0; i < value->texts.size(); ++i) {
    if (i > 0) out += ',';
    core::json::append_quoted(out, value->texts[i]);
  }
  if (value->is_list) out += ']';
}

void print_for_people(const report& done) {
  for (const auto& one : done.findings) print(config::to_string(one) + "\n");
  for (const auto& [test, mismatches] : done.outcomes) {
    print((mismatches.empty() ? "ok      " : "FAILED  ") + printable(test.name) + "\n");
    for (const auto& miss : mismatches) {
      print("    " + place(miss.where) + ": " + printable(miss.field) + "\n      expected  " +
            for_people(miss.expected) + "\n      got       " + for_people(miss.got) +
            (miss.note.empty() ? "" : "  (" + printable(miss.note) + ")") + "\n");
    }
  }
  if (done.outcomes.empty()) return;
  print(count_text(done.outcomes.size(), "test", "tests") + ", " + std::to_string(done.failed()) +
        " failed\n");
}

void append_place(core::json_object& to, const config::location& where) {
  to.text("file", where.file).number("line", where.line).number("column", where.column);
}

void append_mismatches(std::string& out, const std::vector<mismatch>& all) {
  out += '[';
  for (const auto& miss : all) {
    if (&miss != &all.front()) out += ',';
    core::json_object to(out);
    to.text("field", miss.field);
    append_json(to.start("expected"), miss.expected);
    append_json(to.start("got"), miss.got);
    to.text("note", miss.note);
    append_place(to, miss.where);
    to.end();
  }
  out += ']';
}

void append_findings(std::string& out, const std::vector<config::finding>& all) {
  out += '[';
  for (const auto& one : all) {
    if (&one != &all.front()) out += ',';
    core::json_object to(out);
    to.text("severity", one.level == config::severity::error ? "error" : "warning");
    to.text("code", one.code).text("message", one.message);
    append_place(to, one.where);
    to.end();
  }
  out += ']';
}

void print_for_programs(const report& done) {
  std::string out;
  core::json_object all(out);
  all.number("tests", done.outcomes.size()).number("failed", done.failed());
  std::string& list = all.start("results") += '[';
  for (const auto& [test, mismatches] : done.outcomes) {
    if (list.back() != '[') list += ',';
    core::json_object to(list);
    to.text("name", test.name).text("source", test.source).boolean("ok", mismatches.empty());
    append_place(to, test.where);
    append_mismatches(to.start("mismatches"), mismatches);
    to.end();
  }
  list += ']';
  append_findings(all.start("findings"), done.findings);
  all.end();
  print(out + "\n");
}

const config::source_config* find_source(const config::config& settings, const std::string& name) {
  for (const auto& source : settings.sources)
    if (source.name == name) return &source;
  return nullptr;
}

/// Nothing is run while something is wrong: a test that is misread could pass.
report run_tests(const std::string& home, const std::vector<std::string>& files,
                 const destinations::registry& types) {
  report done;
  auto found = config::examine(home, type_table(types));
  done.findings = std::move(found.findings);
  std::vector<config::mapping_test> tests;
  for (const auto& file : files)
    for (auto& test : config::read_mapping_tests(file, done.findings))
      tests.push_back(std::move(test));
  if (!found.settings) return done;
  const auto settings = std::make_shared<const config::config>(std::move(*found.settings));
  config::check_sources(tests, settings->sources, done.findings);
  if (config::has_errors(done.findings)) return done;
  for (auto& test : tests) {
    const auto* source = find_source(*settings, test.source);
    const auto got = ingest::preview_write(settings, *source, test.headers, test.input);
    auto mismatches = compare(test, got);
    done.outcomes.push_back({std::move(test), std::move(mismatches)});
  }
  return done;
}

}  // namespace

int command_config_test(const config_test_options& how, const destinations::registry& types) {
  const auto home = home_directory(how.home);
  if (!home) return fail(home.reason());
  const auto done = run_tests(*home, how.files, types);
  if (how.json) {
    print_for_programs(done);
  } else {
    print_for_people(done);
  }
  return done.outcomes.empty() || done.failed() > 0 ? 1 : 0;
}

}  // namespace nexus::cli
