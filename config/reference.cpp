#include "config/reference.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace nexus::config {
namespace {

constexpr std::string_view env_prefix = "env:";
constexpr std::string_view file_prefix = "file:";

std::string trimmed(const std::string& text) {
  constexpr const char* white = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

}  // namespace

core::result<std::string> read_text_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string bytes;
  for (char part[4096]; in.good();) {
    in.read(part, sizeof part);
    bytes.append(part, static_cast<std::size_t>(in.gcount()));
  }
  // A directory opens without complaint; only reading it fails.
  if (!in.is_open() || in.bad()) {
    return core::os_error(errno != 0 ? errno : EIO, "cannot read " + path);
  }
  return bytes;
}

bool is_literal(std::string_view reference) noexcept {
  return !reference.starts_with(env_prefix) && !reference.starts_with(file_prefix);
}

core::result<std::string> read_reference(const std::string& reference) {
  if (reference.starts_with(env_prefix)) {
    const char* variable = std::getenv(reference.c_str() + env_prefix.size());
    return std::string(variable != nullptr ? variable : "");
  }
  if (reference.starts_with(file_prefix)) {
    return read_text_file(reference.substr(file_prefix.size()));
  }
  return reference;
}

core::result<secret> resolve_reference(const std::string& reference) {
  auto bytes = read_reference(reference);
  if (!bytes.ok()) return std::move(bytes).reason();
  return secret(reference.starts_with(file_prefix) ? trimmed(*bytes) : std::move(*bytes));
}

}  // namespace nexus::config
