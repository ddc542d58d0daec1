#include "config/fields.hpp"

#include <algorithm>
#include <cctype>

#include "config/reference.hpp"

namespace nexus::config {
namespace {

const value* of_kind(const value* found, value_kind kind) {
  return found != nullptr && found->kind == kind ? found : nullptr;
}

std::string why_empty_key(const std::string& name, const value* found) {
  const std::string reference = found == nullptr ? "" : found->text;
  if (reference.starts_with("env:")) {
    return name + " refers to the environment variable " + reference.substr(4) +
           ", which is not set or empty";
  }
  if (reference.starts_with("file:")) {
    return name + " refers to " + reference.substr(5) + ", which is empty";
  }
  return name + (found != nullptr ? " is empty" : " is missing") +
         "; set it to env:NAME, file:/path or the key itself";
}

}  // namespace

location fields::where(std::string_view path) const {
  while (!path.empty()) {
    if (const value* found = document_.find(path)) return found->key_at;
    const std::size_t dot = path.rfind('.');
    path = path.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  return document_.where;
}

std::string fields::text(std::string_view path, const std::string& when_empty) const {
  const value* found = of_kind(find(path), value_kind::string);
  return found == nullptr || found->text.empty() ? when_empty : found->text;
}

std::string fields::word(std::string_view path) const {
  std::string out;
  for (const char c : text(path)) {
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  out.erase(out.begin(), std::find_if_not(out.begin(), out.end(), is_space));
  while (!out.empty() && is_space(out.back())) out.pop_back();
  return out;
}

bool fields::flag(std::string_view path, bool when_absent) const {
  const value* found = of_kind(find(path), value_kind::boolean);
  return found == nullptr ? when_absent : found->boolean;
}

std::vector<std::string> fields::list(std::string_view path) const {
  std::vector<std::string> out;
  if (const value* found = of_kind(find(path), value_kind::array)) {
    for (const value& element : found->children) out.push_back(element.text);
  }
  return out;
}

std::int64_t fields::integer(std::string_view path, std::int64_t when_absent) const {
  const value* found = of_kind(find(path), value_kind::integer);
  return found == nullptr ? when_absent : found->integer;
}

double fields::number(std::string_view path, double when_absent) const {
  if (const value* whole = of_kind(find(path), value_kind::integer))
    return static_cast<double>(whole->integer);
  const value* real = of_kind(find(path), value_kind::real);
  return real == nullptr ? when_absent : std::strtod(real->text.c_str(), nullptr);
}

std::int64_t fields::positive(std::string_view path, std::int64_t when_not_positive,
                              std::int64_t most, std::int64_t least) {
  const value* found = of_kind(find(path), value_kind::integer);
  if (found == nullptr || found->integer <= 0) return when_not_positive;
  const std::string is = std::string(path) + " is " + found->text;
  if (found->integer > most) {
    fail("out_of_range", path, is + "; the most is " + std::to_string(most));
  } else if (found->integer < least) {
    fail("out_of_range", path, is + "; the least is " + std::to_string(least));
  }
  return std::clamp(found->integer, least, most);
}

void fields::check_literal_path(std::string_view path, const std::string& reference,
                                const location& at) {
  if (!reference.starts_with('/') && !reference.starts_with("~/")) return;
  findings_.push_back({severity::warning, "literal_path",
                       std::string(path) +
                           " looks like a path, but stands for the key itself; write file:/path "
                           "to read the key from a file",
                       at});
}

std::optional<secret> fields::resolve(std::string_view path, const std::string& reference,
                                      const location& at) {
  check_literal_path(path, reference, at);
  auto resolved = resolve_reference(reference);
  if (resolved.ok()) return std::move(*resolved);
  fail("unresolved_reference", at, std::string(path) + ": " + resolved.reason().text);
  return std::nullopt;
}

secret fields::key(std::string_view path) {
  return resolve(path, text(path), where(path)).value_or(secret());
}

std::vector<placed_bytes> fields::referenced(std::string_view path) {
  const value* found = find(path);
  if (found == nullptr) return {};
  std::vector<placed_bytes> out;
  const auto read = [&](const value& reference) {
    if (reference.kind != value_kind::string) return;
    check_literal_path(path, reference.text, reference.key_at);
    auto bytes = read_reference(reference.text);
    if (bytes.ok()) {
      out.push_back({secret(std::move(*bytes)), reference.key_at});
    } else {
      fail("unresolved_reference", reference.key_at,
           std::string(path) + ": " + bytes.reason().text);
    }
  };
  if (found->kind != value_kind::array) read(*found);
  if (found->kind == value_kind::array)
    for (const value& element : found->children) read(element);
  return out;
}

std::string fields::why_empty(std::string_view path) const {
  return why_empty_key(std::string(path), find(path));
}

secret fields::required_key(std::string_view path, const char* code) {
  const value* found = find(path);
  // A value of the wrong type has been reported as such.
  if (found != nullptr && found->kind != value_kind::string) return {};
  auto resolved = resolve(path, text(path), where(path));
  if (resolved && resolved->empty()) fail(code, path, why_empty(path));
  return resolved.value_or(secret());
}

secret fields::required_key(const value& member, const std::string& name, const char* code) {
  auto resolved = resolve(name, member.text, member.key_at);
  if (resolved && resolved->empty()) fail(code, member.key_at, why_empty_key(name, &member));
  return resolved.value_or(secret());
}

std::string fields::absolute(std::string_view path, const std::string& when_empty) {
  auto full = absolute_path(text(path, when_empty));
  if (full.ok()) return std::move(*full);
  fail("bad_path", path, std::string(path) + ": " + full.reason().text);
  return {};
}

void fields::fail(const char* code, std::string_view path, const std::string& message) {
  fail(code, where(path), message);
}

void fields::fail(const char* code, const location& at, const std::string& message) {
  findings_.push_back({severity::error, code, "SCHEMA_ERROR: " + message, at});
}

void fields::warn(const char* code, std::string_view path, const std::string& message) {
  warn(code, where(path), message);
}

void fields::warn(const char* code, const location& at, const std::string& message) {
  findings_.push_back({severity::warning, code, message, at});
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) (out += out.empty() ? "" : ", ") += word;
  return out;
}

}  // namespace nexus::config
