// JSON as a client sends it, against RapidJSON, and what the log makes of it.
#include <rapidjson/document.h>

#include "core/json_text.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace nexus;
namespace json = core::json;

void fuzz::run(std::string_view input) {
  const auto valid = json::validate(input);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag>(
      input.data(), input.size());
  const bool has_nul = input.find('\0') != input.npos;  // where RapidJSON's texts may end
  if (!document.HasParseError() && !has_nul && input.size() < json::depth_max)
    require(valid.ok(), "what RapidJSON takes is JSON");
  require(json::is_compact(input).ok() == valid.ok(), "both checks agree");
  if (!valid) return;

  const auto length = json::value_length(input);
  require(length.ok() && *length <= input.size(), "a value has a length");
  std::string compact;
  json::append_compact(compact, input);
  const auto is_compact = json::is_compact(compact);
  require(is_compact.ok() && *is_compact, "what was made compact is JSON, and compact");
  if (*json::is_compact(input)) require(compact == input, "what is compact stays as it is");

  if (json::kind_of(compact) != json::kind::string) return;
  const auto text = json::unquote(compact);
  std::string quoted;
  json::append_quoted(quoted, text);
  require(json::unquote(quoted) == json::replace_invalid_utf8(text), "a text survives quoting");
}
