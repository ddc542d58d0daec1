// Writes a JSON object member by member, in the spelling of the reference (section 1.4 of the
// v0.1.2 behaviour).
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_text.hpp"

namespace nexus::core {

/// Appends `{"key":value,…}` to a string; the caller decides the order of the keys. `end` closes
/// the object. Keys are written as they are: literals without anything to escape.
class json_object {
 public:
  /// `out` must outlive this object.
  explicit json_object(std::string& out) : out_(out) { out_ += '{'; }

  json_object& text(std::string_view key, std::string_view value) {
    core::json::append_quoted(start(key), value);
    return *this;
  }
  template <std::integral T>
  json_object& number(std::string_view key, T value) {
    start(key) += std::to_string(value);
    return *this;
  }
  json_object& boolean(std::string_view key, bool value) {
    start(key) += value ? "true" : "false";
    return *this;
  }
  /// Begins a member; the caller appends its value, which must be JSON, to what this returns.
  std::string& start(std::string_view key) {
    out_ += std::exchange(first_, false) ? "\"" : ",\"";
    out_ += key;
    out_ += "\":";
    return out_;
  }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

/// Appends `["…","…"]`.
inline void append_texts(std::string& out, const std::vector<std::string>& texts) {
  out += '[';
  for (const auto& text : texts) {
    if (&text != &texts.front()) out += ',';
    core::json::append_quoted(out, text);
  }
  out += ']';
}

}  // namespace nexus::core
