#include <algorithm>
#include <array>
#include <charconv>

#include "core/json_text.hpp"
#include "mapping/path_program.hpp"
#include "mapping/value_text.hpp"

namespace nexus::mapping {
namespace {

/// Parsing and searching recurse by steps, so this bounds the stack as well.
constexpr std::size_t path_bytes_max = 2048;

struct modifier_name {
  std::string_view name;
  std::optional<modifier> known;  ///< nothing: gjson has it, and this version does not
};

/// All that gjson has. Any other name is a key that begins with @.
constexpr std::array<modifier_name, 13> modifier_names{{
    {"this", modifier::same},
    {"valid", modifier::same},
    {"reverse", modifier::reverse},
    {"keys", modifier::keys},
    {"values", modifier::values},
    {"flatten", modifier::flatten},
    {"pretty", std::nullopt},
    {"ugly", std::nullopt},
    {"join", std::nullopt},
    {"tostr", std::nullopt},
    {"fromstr", std::nullopt},
    {"group", std::nullopt},
    {"dig", std::nullopt},
}};

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> parse_index(std::string_view text) {
  std::int64_t value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (done.ec != std::errc() || done.ptr != text.data() + text.size()) return std::nullopt;
  if (value == 0 && text[0] == '-') return std::nullopt;
  return value;
}

/// Whether the argument of @flatten asks for all levels.
bool asks_for_deep(std::string_view argument) {
  if (!argument.starts_with('{')) return false;
  core::json::members members(argument);
  bool deep = false;
  while (const auto* member = members.next()) {
    if (core::json::unquote(member->key) == "deep") deep = is_trueish(member->value);
  }
  return deep;
}

/// Each function takes what it is named for at the current place and moves on; false: there is a
/// problem now. A range of the path is parsed by an object of its own, so that offsets stay those
/// of the whole path.
class parser {
 public:
  parser(std::string_view text, std::size_t begin, std::size_t end)
      : text_(text), at_(begin), end_(end) {}

  /// Up to the end, or where `pipes` are not ours up to the next one.
  bool program(path_program& out, bool pipes);
  core::error problem() { return {core::errc::invalid_argument, std::move(problem_)}; }

 private:
  struct query_bounds {
    std::size_t comparison;  ///< where the operator begins; `close` without one
    std::size_t close;
  };

  bool ends() const { return at_ == end_; }
  bool at(char c) const { return at_ < end_ && text_[at_] == c; }
  bool ends_component(std::size_t place) const {
    return place == end_ || text_[place] == '.' || text_[place] == '|';
  }
  bool check_start();
  const modifier_name* find_modifier(std::size_t place) const;
  bool starts_segment(std::size_t place) const;
  bool change(const modifier_name& name, path_segment& out);
  bool argument(std::string_view& out);
  bool steps(path_segment& out);
  path_step name();
  bool each(path_step& out);
  bool query(path_step& out);
  bool find_bounds(query_bounds& out);
  bool condition(std::size_t begin, const query_bounds& bounds, path_step& out);
  bool operation(std::size_t begin, std::size_t end, query_condition& out);
  bool right_side(std::size_t begin, std::size_t end, query_condition& out);
  bool rest(std::shared_ptr<const path_program>& out);
  bool fail(std::size_t offset, const std::string& what);

  std::string_view text_;
  std::size_t at_;
  std::size_t end_;
  std::string problem_;
};

bool parser::fail(std::size_t offset, const std::string& what) {
  problem_ = "path \"" + std::string(text_) + "\", offset " + std::to_string(offset) + ": " + what;
  return false;
}

/// What gjson has at the start of a path, or of what follows a pipe or `#.`, and we have not.
bool parser::check_start() {
  const auto rest = text_.substr(at_, end_ - at_);
  if (rest.starts_with("..")) return fail(at_, "JSON lines (..) are not supported");
  if (rest.size() < 2) return true;
  const std::string key_hint = std::string("; write \\") + rest[0] + " for a key that begins so";
  if (rest[0] == '[' || rest[0] == '{')
    return fail(at_, "several paths in one ([a,b] or {a,b}) are not supported" + key_hint);
  if (rest[0] == '!') return fail(at_, "literals (!) are not supported" + key_hint);
  return true;
}

const modifier_name* parser::find_modifier(std::size_t place) const {
  if (place >= end_ || text_[place] != '@') return nullptr;
  const auto after = text_.substr(place + 1, end_ - place - 1);
  const auto name = after.substr(0, after.find_first_of(".|:"));
  const auto* found = std::find_if(modifier_names.begin(), modifier_names.end(),
                                   [name](const auto& one) { return one.name == name; });
  return found == modifier_names.end() ? nullptr : found;
}

/// Whether what follows a dot is not the next component, but works on the value found so far.
bool parser::starts_segment(std::size_t place) const {
  if (place >= end_) return false;
  return text_[place] == '[' || text_[place] == '{' || find_modifier(place) != nullptr;
}

bool parser::program(path_program& out, bool pipes) {
  for (;;) {
    if (!check_start()) return false;
    path_segment segment;
    if (const auto* modifier = find_modifier(at_)) {
      if (!change(*modifier, segment)) return false;
    } else if (!steps(segment)) {
      return false;
    }
    out.segments.push_back(std::move(segment));
    if (ends() || (at('|') && !pipes)) return true;
    ++at_;
  }
}

bool parser::change(const modifier_name& name, path_segment& out) {
  if (!name.known)
    return fail(at_, "the modifier @" + std::string(name.name) +
                         " is not supported; there are @this, @valid, @reverse, @keys, @values and "
                         "@flatten");
  out.change = name.known;
  at_ += 1 + name.name.size();
  if (!at(':')) return true;
  ++at_;
  std::string_view given;
  if (!argument(given)) return false;
  if (out.change == modifier::flatten && asks_for_deep(given)) out.change = modifier::flatten_deep;
  return true;
}

/// JSON, or anything up to the next pipe.
bool parser::argument(std::string_view& out) {
  const std::size_t begin = at_;
  const auto given = text_.substr(at_, end_ - at_);
  if (!at('{') && !at('[') && !at('"')) {
    at_ += std::min(given.find('|'), given.size());
    out = text_.substr(begin, at_ - begin);
    return true;
  }
  const auto length = core::json::value_length(given);
  if (!length.ok()) return fail(begin, "the modifier's argument is not JSON");
  at_ += *length;
  out = text_.substr(begin, *length);
  return ends_component(at_) ||
         fail(at_, "after a modifier's argument a dot, a pipe or the end is expected");
}

bool parser::steps(path_segment& out) {
  for (;;) {
    path_step step;
    const bool hash = at('#');
    const std::size_t after = at_ + 1;
    if (hash && after < end_ && (text_[after] == '(' || text_[after] == '[')) {
      if (!query(step)) return false;
    } else if (hash && after < end_ && text_[after] == '.') {
      if (!each(step)) return false;
    } else {
      step = name();
    }
    const bool swallows_rest = step.kind == step_kind::query || step.kind == step_kind::each;
    out.steps.push_back(std::move(step));
    if (swallows_rest || ends() || at('|')) return true;
    if (starts_segment(at_ + 1)) return true;
    ++at_;
  }
}

/// A key, an element's number, or `#` for the number of elements.
path_step parser::name() {
  path_step step;
  const std::size_t begin = at_;
  for (; !ends() && !at('.') && !at('|'); ++at_) {
    if (at('*') || at('?')) step.kind = step_kind::wildcard;
    if (at('\\') && ++at_ == end_) break;
    step.key += text_[at_];
  }
  const auto spelled = text_.substr(begin, at_ - begin);
  if (step.kind == step_kind::wildcard) {
    step.key = spelled;
    return step;
  }
  if (spelled == "#") step.kind = step_kind::count;
  step.index = parse_index(spelled);
  return step;
}

bool parser::each(path_step& out) {
  out.kind = step_kind::each;
  out.key = "#";
  ++at_;
  return rest(out.rest);
}

/// The dot, and what follows it up to the next pipe.
bool parser::rest(std::shared_ptr<const path_program>& out) {
  ++at_;
  auto parsed = std::make_shared<path_program>();
  if (!program(*parsed, false)) return false;
  out = std::move(parsed);
  return true;
}

bool parser::query(path_step& out) {
  out.kind = step_kind::query;
  const std::size_t begin = at_ + 2;
  query_bounds bounds{};
  if (!find_bounds(bounds)) return false;
  if (!condition(begin, bounds, out)) return false;
  at_ = bounds.close + 1;
  if (at('#')) {
    out.all = true;
    ++at_;
  }
  if (!ends_component(at_))
    return fail(at_, "after a query #, a dot, a pipe or the end is expected");
  return !at('.') || rest(out.rest);
}

/// Brackets and quotes are balanced, and both kinds of bracket are the same, as in gjson.
bool parser::find_bounds(query_bounds& out) {
  constexpr std::string_view operators = "=!<>%";
  std::size_t depth = 1;
  std::optional<std::size_t> comparison;
  for (std::size_t i = at_ + 2; i < end_; ++i) {
    const char c = text_[i];
    if (depth == 1 && !comparison && operators.find(c) != std::string_view::npos) {
      comparison = i;
    } else if (c == '\\') {
      ++i;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == '"') {
      for (++i; i < end_ && text_[i] != '"'; ++i)
        if (text_[i] == '\\') ++i;
    } else if ((c == ')' || c == ']') && --depth == 0) {
      out = {comparison.value_or(i), i};
      return true;
    }
  }
  return fail(at_, "the query is not closed; it looks like #(role==\"user\")");
}

bool parser::condition(std::size_t begin, const query_bounds& bounds, path_step& out) {
  std::size_t end = bounds.comparison;
  while (begin < end && static_cast<unsigned char>(text_[begin]) <= ' ') ++begin;
  while (begin < end && static_cast<unsigned char>(text_[end - 1]) <= ' ') --end;
  auto parsed = std::make_shared<query_condition>();
  parsed->on_element = begin == end;
  auto left = std::make_shared<path_program>();
  parser inner(text_, begin, end);
  if (!inner.program(*left, true)) {
    problem_ = std::move(inner.problem_);
    return false;
  }
  parsed->left = std::move(left);
  if (bounds.comparison < bounds.close && !operation(bounds.comparison, bounds.close, *parsed))
    return false;
  out.condition = std::move(parsed);
  return true;
}

bool parser::operation(std::size_t begin, std::size_t end, query_condition& out) {
  struct spelling {
    std::string_view text;
    comparison means;
  };
  // The longer of two that begin alike stands first.
  constexpr std::array<spelling, 9> spellings{{{"==", comparison::equal},
                                               {"=", comparison::equal},
                                               {"!=", comparison::not_equal},
                                               {"!%", comparison::not_like},
                                               {"<=", comparison::less_equal},
                                               {"<", comparison::less},
                                               {">=", comparison::greater_equal},
                                               {">", comparison::greater},
                                               {"%", comparison::like}}};
  const auto given = text_.substr(begin, end - begin);
  const auto* found = std::find_if(spellings.begin(), spellings.end(), [given](const auto& one) {
    return given.starts_with(one.text);
  });
  if (found == spellings.end())
    return fail(begin, "this is no comparison; there are == != < <= > >= % !%");
  out.how = found->means;
  return right_side(begin + found->text.size(), end, out);
}

bool parser::right_side(std::size_t begin, std::size_t end, query_condition& out) {
  const auto given = without_blanks(text_.substr(begin, end - begin));
  if (given.size() >= 2 && given.front() == '"' && given.back() == '"') {
    const auto length = core::json::value_length(given);
    if (!length.ok() || *length != given.size())
      return fail(begin, "the quoted text is not a JSON string; a backslash in it is written \\\\");
    out.right = core::json::unquote(given);
  } else if (given.starts_with('~')) {
    const auto word = given.substr(1);
    if (word == "*") out.test = truth_test::exists;
    if (word == "null") out.test = truth_test::null;
    if (word == "true") out.test = truth_test::yes;
    if (word == "false") out.test = truth_test::no;
    if (out.test == truth_test::none)
      return fail(begin, "after ~ only true, false, null and * are known");
  } else {
    out.right = given;
  }
  out.right_number = parse_number(out.right);
  return true;
}

}  // namespace

core::result<path_program> parse_path(std::string_view text) {
  if (text.size() > path_bytes_max)
    return core::error{core::errc::invalid_argument, "path \"" + std::string(text.substr(0, 40)) +
                                                         "…\": it is longer than " +
                                                         std::to_string(path_bytes_max) + " bytes"};
  path_program out;
  parser whole(text, 0, text.size());
  if (!whole.program(out, true)) return whole.problem();
  return out;
}

}  // namespace nexus::mapping
