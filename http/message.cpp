#include "http/message.hpp"

#include "core/ascii.hpp"

namespace nexus::http {

std::optional<std::string_view> request::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (core::same_but_case(key, name)) return value;
  }
  return std::nullopt;
}

}  // namespace nexus::http
