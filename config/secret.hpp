// A value that must not be seen: it can be used, and compared, but not printed.
#pragma once

#include <string>
#include <string_view>

namespace nexus::config {

/// Holds a key or token. It has no stream operator and no conversion to a string, so that it cannot
/// end up in a log by accident; `reveal` is the one way to its bytes.
class secret {
 public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}

  /// The bytes. Never log, print or store them.
  std::string_view reveal() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace nexus::config
