// A path of [source.mapping], and the JSON that it is to find something in: a line each.
#include "core/json_text.hpp"
#include "mapping/field_mapping.hpp"
#include "mapping/json_path.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace nexus;
using namespace nexus::mapping;

void fuzz::run(std::string_view input) {
  const auto path = take_line(input);
  const auto compiled = json_path::parse(path);
  const auto problem = mapping_error(path);
  if (!problem) require(compiled.ok(), "what a mapping may use is a path");
  if (!core::json::validate(input)) return;
  const field_mapping one({{"content", path}}, {});
  const auto mapped = one.apply(input);
  require(one.problems().empty() == compiled.ok(), "what is no path is told");
  require(mapped.too_large || mapped.metadata.size() <= input.size(), "nothing is made up");
  if (!compiled) return;
  const auto found = compiled->text_in(input);
  require(found == compiled->text_in(input), "a path finds the same twice");
  // An object is what a client may send; of other values only the path itself knows.
  const auto start = input.find_first_not_of(" \t\r\n");
  if (input[start] == '{')
    require(mapped.content == found.value_or(""), "the one pass over a value finds the same");
}
