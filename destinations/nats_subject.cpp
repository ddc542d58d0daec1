#include "destinations/nats_subject.hpp"

#include <array>
#include <utility>

namespace nexus::destinations {

namespace {

constexpr std::size_t template_bytes_max = 512;

using placeholder = std::pair<std::string_view, std::string core::entry::*>;
constexpr std::array<placeholder, 4> placeholders{{
    {"{source}", &core::entry::source},
    {"{subject}", &core::entry::subject},
    {"{destination}", &core::entry::destination},
    {"{actor_type}", &core::entry::actor_type},
}};

const placeholder* placeholder_at(std::string_view text) {
  for (const auto& each : placeholders) {
    if (text.starts_with(each.first)) return &each;
  }
  return nullptr;
}

bool is_blank_or_control(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
}

void append_value(std::string& out, std::string_view value) {
  if (value.empty()) out += '_';
  std::size_t length = std::min(value.size(), subject_value_bytes_max);
  if (length < value.size()) {  // not in the middle of a UTF-8 character
    while (length > 0 && (static_cast<unsigned char>(value[length]) & 0xc0) == 0x80) --length;
  }
  for (const char c : value.substr(0, length)) {
    const bool has_meaning = c == '.' || c == '*' || c == '>' || c == '$';
    out += has_meaning || is_blank_or_control(c) ? '_' : c;
  }
}

/// Takes the first token off.
std::string_view take_token(std::string_view& rest) {
  const auto dot = rest.find('.');
  const auto token = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  return token;
}

std::optional<std::string> token_fault(std::string_view token) {
  if (token.empty()) return "a token is empty";
  while (!token.empty()) {
    if (const auto* found = placeholder_at(token)) {
      token.remove_prefix(found->first.size());
      continue;
    }
    const char c = token.front();
    if (c == '{' || c == '}') {
      return "the placeholders are {source}, {subject}, {destination} and {actor_type}";
    }
    if (c == '*' || c == '>') return "wildcards cannot be published to";
    if (is_blank_or_control(c)) return "white space and control characters are not allowed";
    token.remove_prefix(1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> subject_template_fault(std::string_view text) {
  if (text.starts_with('$')) return "subjects that begin with $ belong to the server";
  if (text.empty() || text.ends_with('.')) return "a token is empty";
  if (text.size() > template_bytes_max) return "it is longer than 512 bytes";
  while (!text.empty()) {
    if (auto fault = token_fault(take_token(text))) return fault;
  }
  return std::nullopt;
}

std::string make_subject(std::string_view text, const core::entry& entry) {
  std::string subject;
  while (!text.empty()) {
    if (const auto* found = placeholder_at(text)) {
      append_value(subject, entry.*(found->second));
      text.remove_prefix(found->first.size());
    } else {
      subject += text.front();
      text.remove_prefix(1);
    }
  }
  return subject;
}

std::string template_wildcard(std::string_view text) {
  std::string wildcard;
  while (!text.empty()) {
    const auto token = take_token(text);
    if (!wildcard.empty()) wildcard += '.';
    wildcard += token.find('{') == std::string_view::npos ? token : std::string_view("*");
  }
  return wildcard;
}

bool subjects_overlap(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const auto left = take_token(a);
    const auto right = take_token(b);
    if (left == ">" || right == ">") return true;
    if (left != right && left != "*" && right != "*") return false;
  }
  return a.empty() && b.empty();
}

}  // namespace nexus::destinations
