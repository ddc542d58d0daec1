// docs/configuration.md must keep up with the keys, their defaults and the codes.
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "config/schema.hpp"
#include "tests/config/documented_defaults.hpp"
#include "tests/config/home.hpp"

using namespace nexus;

namespace {

/// The cells of a table's row, without the white space around them.
using row = std::vector<std::string>;

row cells_of(const std::string& line) {
  row cells;
  std::istringstream parts(line.substr(1));
  for (std::string part; std::getline(parts, part, '|');) {
    const auto first = part.find_first_not_of(' ');
    cells.push_back(first == std::string::npos
                        ? ""
                        : part.substr(first, part.find_last_not_of(' ') - first + 1));
  }
  return cells;
}

/// The rows, by their first cells, which are words in backquotes, of all tables of the page whose
/// first columns have this head: "key" or "code".
std::multimap<std::string, row> rows_of(const std::string& head) {
  std::multimap<std::string, row> out;
  std::istringstream lines(test::read_file(NEXUS_CONFIGURATION_PAGE));
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const bool in_table = line.starts_with("| ");
    inside = in_table && (inside || line.starts_with("| " + head + " |"));
    if (!inside || !line.starts_with("| `")) continue;
    row cells = cells_of(line);
    const std::string& first = cells.front();
    if (first.find('`', 1) == first.size() - 1)
      out.emplace(first.substr(1, first.size() - 2), cells);
  }
  return out;
}

std::map<std::string, config::key_info> all_keys() {
  std::map<std::string, config::key_info> out;
  for (const auto kind :
       {config::file_kind::daemon, config::file_kind::source, config::file_kind::destination})
    for (const config::key_info& key : config::known_keys(kind)) out.emplace(key.path, key);
  return out;
}

std::string type_name(config::value_type type) {
  switch (type) {
    case config::value_type::string:
      return "text";
    case config::value_type::integer:
      return "integer";
    case config::value_type::number:
      return "number";
    case config::value_type::boolean:
      return "boolean";
    case config::value_type::strings:
      return "list of texts";
    case config::value_type::integers:
      return "list of integers";
    case config::value_type::tables:
      break;
  }
  return "list of tables";
}

/// The code of this program that can find fault with a configuration.
std::string sources() {
  std::string text;
  for (const auto& file : std::filesystem::directory_iterator(NEXUS_SOURCES "/config"))
    if (file.path().extension() == ".cpp") text += test::read_file(file.path());
  return text + test::read_file(NEXUS_SOURCES "/cli/command_lint.cpp");
}

/// Every code that stands where codes stand.
std::set<std::string> codes_in(const std::string& text) {
  std::set<std::string> out;
  const std::string code = "\"([a-z]+(?:_[a-z]+)*)\"";
  for (const std::string& before :
       {std::string("(?:fail|warn)\\(\\s*(?:findings,\\s*)?"), std::string("severity::\\w+,\\s*"),
        std::string("required_(?:key|path)\\([^;]*?,\\s*"), std::string("contents\\([^;]*?,\\s*"),
        std::string("check_shared\\([^;]*?, \"[^\"]*\", "), std::string("\\bmend \\? "),
        std::string("\\bmend \\? \"\\w+\" : ")}) {
    const std::regex pattern(before + code);
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
      out.insert((*at)[1]);
  }
  return out;
}

/// "false; true in mode safe" begins with the words "false", but not with "fal".
bool begins_with_words(const std::string& text, const std::string& words) {
  if (!text.starts_with(words)) return false;
  return text.size() == words.size() ||
         std::string(" ;,").find(text[words.size()]) != std::string::npos;
}

}  // namespace

TEST_CASE("the page on configuration has one row for every key, with its type") {
  const auto page = rows_of("key");
  REQUIRE_FALSE(page.empty());
  for (const auto& [path, key] : all_keys()) {
    INFO(path);
    CHECK(page.count(path) == 1);
    if (page.count(path) != 1) continue;
    const row& cells = page.find(path)->second;
    CHECK(cells.at(1) == type_name(key.type));
    CHECK((cells.at(2) == "no effect") == !key.effective);
  }
}

TEST_CASE("the page on configuration names no key that there is not") {
  const auto known = all_keys();
  for (const auto& [path, cells] : rows_of("key")) {
    INFO(path);
    CHECK(known.contains(path));
  }
}

TEST_CASE("the page on configuration names the defaults that the program has") {
  const auto page = rows_of("key");
  const auto defaults = test::documented_defaults();
  for (const auto& [path, key] : all_keys()) {
    if (!key.effective) continue;
    INFO(path);
    const auto known = defaults.find(path);
    // A new key needs a line in documented_defaults.hpp.
    CHECK(known != defaults.end());
    const auto found = page.find(path);
    if (known == defaults.end() || found == page.end()) continue;
    const std::string cell = found->second.at(2);
    INFO("default " << known->second << ", and the page says " << cell);
    CHECK(begins_with_words(cell, known->second));
  }
  for (const auto& [path, value] : defaults) {
    INFO(path);
    CHECK(all_keys().contains(path));
  }
}

TEST_CASE("the page on configuration lists every code, and none that there is not") {
  const auto page = rows_of("code");
  const std::string text = sources();
  const auto used = codes_in(text);
  // So that a change of style does not leave this test with nothing to find.
  REQUIRE(used.size() > 50);
  for (const std::string& code : used) {
    INFO(code);
    CHECK(page.contains(code));
  }
  for (const auto& [code, cells] : page) {
    INFO(code);
    CHECK(text.find('"' + code + '"') != std::string::npos);
  }
}
