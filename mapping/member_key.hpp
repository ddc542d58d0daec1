// The key of a JSON member as text, without a copy where it holds no escape.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/json_text.hpp"

namespace nexus::mapping {

/// Valid as long as the JSON text that the member is from.
class member_key {
 public:
  explicit member_key(const core::json::member& from) : is_key_(!from.key.empty()) {
    if (from.key.find('\\') != std::string_view::npos) {
      unescaped_ = core::json::unquote(from.key);
      text_ = unescaped_;
    } else if (is_key_) {
      text_ = from.key.substr(1, from.key.size() - 2);
    }
  }
  member_key(const member_key&) = delete;
  member_key& operator=(const member_key&) = delete;

  /// Nothing for an element of an array. Valid as long as this object.
  std::optional<std::string_view> text() const {
    if (!is_key_) return std::nullopt;
    return text_;
  }

 private:
  bool is_key_;
  std::string unescaped_;
  std::string_view text_;
};

}  // namespace nexus::mapping
