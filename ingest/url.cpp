#include "ingest/url.hpp"

namespace nexus::ingest {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view raw, bool plus_is_space) {
  std::string text;
  text.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '%') {
      if (raw.size() - i < 3) return std::nullopt;
      const int high = hex_digit(raw[i + 1]);
      const int low = hex_digit(raw[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      text += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      text += raw[i] == '+' && plus_is_space ? ' ' : raw[i];
    }
  }
  return text;
}

bool kept_in_paths(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("-_.~$&+,/:;=@").find(c) != std::string_view::npos;
}

bool unreserved(char c) {
  return kept_in_paths(c) && std::string_view("$&+,/:;=@").find(c) == std::string_view::npos;
}

std::string encode(std::string_view text, bool (*kept)(char)) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string raw;
  raw.reserve(text.size());
  for (const char c : text) {
    if (kept(c)) {
      raw += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    raw += '%';
    raw += digits[byte >> 4];
    raw += digits[byte & 15];
  }
  return raw;
}

}  // namespace

std::optional<std::string> routing_path(std::string_view raw) {
  if (raw.find('%') == std::string_view::npos) return std::string(raw);
  auto text = decode(raw, false);
  if (text && encode(*text, kept_in_paths) != raw) return std::string(raw);
  return text;
}

std::optional<std::string> decode_segment(std::string_view raw) {
  return decode(raw, false);
}

std::string encode_segment(std::string_view text) {
  return encode(text, unreserved);
}

std::map<std::string, std::string, std::less<>> query_parameters(std::string_view raw) {
  std::map<std::string, std::string, std::less<>> parameters;
  while (!raw.empty()) {
    const auto pair = raw.substr(0, raw.find('&'));
    raw.remove_prefix(pair.size() < raw.size() ? pair.size() + 1 : pair.size());
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const auto equals = pair.find('=');
    auto name = decode(pair.substr(0, equals), true);
    auto value = decode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (name && value) parameters.try_emplace(std::move(*name), std::move(*value));
  }
  return parameters;
}

}  // namespace nexus::ingest
