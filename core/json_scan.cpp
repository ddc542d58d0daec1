// The grammar: which text is JSON.
#include <array>
#include <cstdint>

#include "core/json_bytes.hpp"
#include "core/json_text.hpp"

namespace nexus::core::json {
namespace {

/// Walks over JSON text, checking the grammar of RFC 8259. Every function returns whether what it
/// names was there; on false, `at` stands on the byte that should not be.
class scanner {
 public:
  scanner(std::string_view text, std::size_t deepest)
      : at(text.data()), end_(text.data() + text.size()), deepest_(deepest) {}

  const char* at;
  /// So far nothing that append_compact would drop or spell in another way.
  bool compact = true;

  void space() {
    if (at == end_ || !is_space(*at)) return;
    compact = false;
    at = skip_space(at, end_);
  }

  bool value() {
    std::size_t depth = 0;
    for (;;) {
      space();
      if (at == end_) return false;
      if (*at == '{' || *at == '[') {
        if (++depth > deepest_) return false;
        push(depth, *at == '{');
        char close = *at++ == '{' ? '}' : ']';
        space();
        if (at != end_ && *at == close) {
          ++at;
          --depth;
        } else if (is_object(depth)) {
          if (!key()) return false;
          continue;
        } else {
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      // A value is complete: close what it completes, or go on to the next member.
      bool next_member = false;
      while (depth > 0 && !next_member) {
        space();
        if (at == end_) return false;
        if (*at == ',') {
          ++at;
          if (is_object(depth)) {
            space();
            if (!key()) return false;
          }
          next_member = true;
        } else if (*at == (is_object(depth) ? '}' : ']')) {
          ++at;
          --depth;
        } else {
          return false;
        }
      }
      if (!next_member) return true;
    }
  }

  /// A member's key and the colon after it.
  bool key() {
    if (at == end_ || *at != '"' || !string()) return false;
    space();
    if (at == end_ || *at != ':') return false;
    ++at;
    return true;
  }

 private:
  void push(std::size_t depth, bool object) {
    auto level = depth - 1;
    auto& word = nesting_[level / 64];
    auto bit = std::uint64_t{1} << level % 64;
    word = (level % 64 == 0 ? 0 : word & (bit - 1)) | (object ? bit : 0);
  }
  bool is_object(std::size_t depth) const {
    auto level = depth - 1;
    return (nesting_[level / 64] >> level % 64 & 1) != 0;
  }

  bool scalar() {
    switch (*at) {
      case '"':
        return string();
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return number();
    }
  }

  bool literal(std::string_view word) {
    for (char c : word) {
      if (at == end_ || *at != c) return false;
      ++at;
    }
    return true;
  }

  bool digits() {
    if (at == end_ || !is_digit(*at)) return false;
    while (at != end_ && is_digit(*at)) ++at;
    return true;
  }

  bool number() {
    if (*at == '-') ++at;
    if (at != end_ && *at == '0')
      ++at;
    else if (!digits())
      return false;
    if (at != end_ && *at == '.') {
      ++at;
      if (!digits()) return false;
    }
    if (at != end_ && (*at == 'e' || *at == 'E')) {
      ++at;
      if (at != end_ && (*at == '+' || *at == '-')) ++at;
      if (!digits()) return false;
    }
    return true;
  }

  bool string() {
    ++at;
    for (;;) {
      at = skip_compact(at, end_);
      if (at == end_) return false;
      if (*at == '"') return ++at, true;
      if (*at != '\\') {
        if (static_cast<unsigned char>(*at) < 0x20) return false;
        if (*at != '\xE2' || is_line_separator(at, end_)) compact = false;
        ++at;
        continue;
      }
      ++at;
      if (at == end_) return false;
      switch (*at++) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
          break;
        case 'u':
          for (int i = 0; i < 4; ++i, ++at)
            if (at == end_ || hex_value(*at) < 0) return false;
          break;
        default:
          return --at, false;
      }
    }
  }

  const char* end_;
  std::size_t deepest_;  ///< at most depth_max
  /// The values that are open, a bit for each level, 1 for an object: the depth of the machine's
  /// stack is not the client's. A word is cleared when its first level is opened.
  std::array<std::uint64_t, (depth_max + 63) / 64> nesting_;
};

error not_json(std::string_view text, const char* at) {
  return {errc::invalid_argument, "not a JSON value at byte " + std::to_string(at - text.data())};
}

/// Nothing but white space may follow a value that ends at `end`.
result<void> check_rest(std::string_view text, const char* end) {
  auto rest = skip_space(end, text.data() + text.size());
  if (rest != text.data() + text.size())
    return error{errc::invalid_argument,
                 "more than one JSON value: byte " + std::to_string(rest - text.data())};
  return {};
}

}  // namespace

result<std::size_t> value_length(std::string_view text) {
  scanner scan(text, depth_max);
  if (!scan.value()) return not_json(text, scan.at);
  return static_cast<std::size_t>(scan.at - text.data());
}

result<void> validate(std::string_view text, std::size_t depth) {
  if (auto compact = is_compact(text, depth); !compact) return compact.reason();
  return {};
}

result<bool> is_compact(std::string_view text, std::size_t depth) {
  scanner scan(text, depth);
  if (!scan.value()) return not_json(text, scan.at);
  if (auto rest = check_rest(text, scan.at); !rest) return rest.reason();
  return scan.compact && scan.at == text.data() + text.size();
}

result<void> for_each_member(std::string_view text,
                             const std::function<result<void>(const member&)>& visit) {
  scanner scan(text, depth_max - 1);
  const char* end = text.data() + text.size();
  auto take = [&](char c) {
    scan.space();
    if (scan.at == end || *scan.at != c) return false;
    ++scan.at;
    return true;
  };
  if (!take('{')) return not_json(text, scan.at);
  for (bool first = true; !take('}'); first = false) {
    if (!first && !take(',')) return not_json(text, scan.at);
    scan.space();
    member item;
    const char* key = scan.at;
    if (!scan.key()) return not_json(text, scan.at);
    item.key = {key, static_cast<std::size_t>(skip_string(key, end) - key)};
    scan.space();
    const char* value = scan.at;
    if (!scan.value()) return not_json(text, scan.at);
    item.value = {value, static_cast<std::size_t>(scan.at - value)};
    if (auto visited = visit(item); !visited) return visited;
  }
  return check_rest(text, scan.at);
}

}  // namespace nexus::core::json
