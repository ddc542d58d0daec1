// JSON as a client sends it, against the reference's rules for it, and what the log makes of it.
#include "core/json_text.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/wal/reference_json.hpp"

using namespace nexus;
namespace json = core::json;

namespace {

/// Whether the reference takes it as a value.
bool is_json(std::string_view input) {
  const auto members = test::reference::members_of("{\"a\":" + std::string(input) + "}");
  return members && members->size() == 1;  // and not `1,"b":2`
}

}  // namespace

void fuzz::run(std::string_view input) {
  const auto valid = json::validate(input, json::depth_max - 1);
  require(valid.ok() == is_json(input), "what the reference takes is JSON, and nothing else");
  require(json::is_compact(input, json::depth_max - 1).ok() == valid.ok(), "both checks agree");
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
