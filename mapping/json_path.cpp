#include "mapping/json_path.hpp"

#include <algorithm>
#include <utility>

#include "mapping/path_program.hpp"
#include "mapping/path_search.hpp"
#include "mapping/value_text.hpp"

namespace nexus::mapping {
namespace {

// A negative number at the front needs the number of elements, which nobody knows on the way.
bool is_plain_program(const path_program& program) {
  const auto& steps = program.segments.front().steps;
  return program.segments.size() == 1 && !steps.empty() && steps.front().index.value_or(0) >= 0 &&
         std::all_of(steps.begin(), steps.end(),
                     [](const path_step& step) { return step.kind == step_kind::name; });
}

}  // namespace

json_path::json_path(std::shared_ptr<const path_program> program)
    : program_(std::move(program)), plain_(is_plain_program(*program_)) {}

core::result<json_path> json_path::parse(std::string_view text) {
  auto program = parse_path(text);
  if (!program.ok()) return program.reason();
  return json_path(std::make_shared<const path_program>(std::move(*program)));
}

std::optional<std::string_view> json_path::find_from(std::optional<std::string_view> key,
                                                     std::uint64_t index,
                                                     std::string_view value) const {
  const auto& steps = program_->segments.front().steps;
  const auto& first = steps.front();
  if (key ? first.key != *key : first.index != static_cast<std::int64_t>(index))
    return std::nullopt;
  path_walk walk(steps);
  if (!walk.take(1, value)) return std::nullopt;
  return walk.found.raw();
}

std::optional<std::string> json_path::text_in(std::string_view raw) const {
  const auto found = run_path(*program_, raw);
  if (!found.exists()) return std::nullopt;
  return value_text(found.raw());
}

}  // namespace nexus::mapping
