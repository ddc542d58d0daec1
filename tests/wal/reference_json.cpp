#include "tests/wal/reference_json.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <regex>

namespace nexus::test::reference {
namespace {

constexpr int nesting_max = 10'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Walks over one JSON text.
class walker {
 public:
  explicit walker(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string::npos)
      ++at_;
  }
  bool at_end() const { return at_ == text_.size(); }
  std::size_t at() const { return at_; }
  bool take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  bool take_string() {
    if (!take("\"")) return false;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_++]);
      if (c == '"') return true;
      if (c < 0x20) return false;
      if (c == '\\' && !take_escape()) return false;
    }
    return false;
  }

  bool take_value(int depth = 0) {
    if (depth > nesting_max || at_end()) return false;
    switch (text_[at_]) {
      case '{':
      case '[':
        return take_container(depth + 1);
      case '"':
        return take_string();
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return take_number();
    }
  }

 private:
  bool take_escape() {
    if (at_end()) return false;
    const char c = text_[at_++];
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string::npos;
    for (int i = 0; i < 4; ++i)
      if (at_end() || !std::isxdigit(static_cast<unsigned char>(text_[at_++]))) return false;
    return true;
  }

  bool take_digits() {
    const auto start = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > start;
  }

  bool take_number() {
    take("-");
    if (!take("0") && !take_digits()) return false;
    if (take(".") && !take_digits()) return false;
    if (take("e") || take("E")) {
      if (!take("+")) take("-");
      return take_digits();
    }
    return true;
  }

  bool take_container(int depth) {
    if (depth > nesting_max) return false;
    const bool is_object = text_[at_++] == '{';
    const std::string_view close = is_object ? "}" : "]";
    skip_space();
    if (take(close)) return true;
    for (;;) {
      skip_space();
      if (is_object && !take_key()) return false;
      if (!take_value(depth)) return false;
      skip_space();
      if (take(close)) return true;
      if (!take(",")) return false;
    }
  }

 public:
  /// A member's key with its colon, and the white space behind both.
  bool take_key() {
    if (!take_string()) return false;
    skip_space();
    if (!take(":")) return false;
    skip_space();
    return true;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

void append_utf8(std::string& out, unsigned code) {
  auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xC0 | code >> 6), put(0x80 | (code & 63));
  if (code < 0x10000) {
    put(0xE0 | code >> 12);
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
  }
  put(0x80 | (code >> 6 & 63));
  put(0x80 | (code & 63));
}

/// Bytes of the UTF-8 character at the front of `text`; 0 if there is none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool fits = !(first == 0xE0 && byte(1) < 0xA0) && !(first == 0xED && byte(1) > 0x9F);
    return fits && follows(1) && follows(2) ? 3 : 0;
  }
  if (first < 0xF0 || first > 0xF4) return 0;
  const bool fits = !(first == 0xF0 && byte(1) < 0x90) && !(first == 0xF4 && byte(1) > 0x8F);
  return fits && follows(1) && follows(2) && follows(3) ? 4 : 0;
}

unsigned code_at(std::string_view raw, std::size_t at) {
  return static_cast<unsigned>(std::stoul(std::string(raw.substr(at, 4)), nullptr, 16));
}

/// The character of the escape \uXXXX whose digits begin at `at`, which goes behind it.
unsigned take_unit(std::string_view raw, std::size_t& at) {
  const auto unit = code_at(raw, at);
  at += 4;
  if (unit < 0xD800 || unit > 0xDFFF) return unit;
  if (unit < 0xDC00 && raw.substr(at, 2) == "\\u") {
    const auto low = code_at(raw, at + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      at += 6;
      return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
  }
  return 0xFFFD;
}

/// What the reference writes in place of a character, where that is an escape.
std::string html_escape(std::string_view character) {
  switch (character[0]) {
    case '<':
      return "\\u003c";
    case '>':
      return "\\u003e";
    case '&':
      return "\\u0026";
    case '\xe2':
      if (character == "\u2028") return "\\u2028";
      if (character == "\u2029") return "\\u2029";
      break;
  }
  return {};
}

std::string escape_of(std::string_view character) {
  const auto c = static_cast<unsigned char>(character[0]);
  const std::string_view plain = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
  if (const auto at = plain.find(character[0]); at != plain.npos)
    return std::string("\\") + letters[at];
  if (c < 0x20) {
    char text[7];
    std::snprintf(text, sizeof(text), "\\u%04x", static_cast<unsigned>(c));
    return text;
  }
  return html_escape(character);
}

}  // namespace

std::optional<std::vector<json_member>> members_of(std::string_view text) {
  walker walk(text);
  std::vector<json_member> out;
  walk.skip_space();
  if (walk.take("null")) {
    walk.skip_space();
    return walk.at_end() ? std::optional(out) : std::nullopt;
  }
  if (!walk.take("{")) return {};
  walk.skip_space();
  bool closed = walk.take("}");
  while (!closed) {
    walk.skip_space();
    const auto key = walk.at();
    walker end_of_key(text.substr(key));
    if (!end_of_key.take_string() || !walk.take_key()) return {};
    const auto value = walk.at();
    if (!walk.take_value(1)) return {};
    out.push_back({std::string(text.substr(key, end_of_key.at())),
                   std::string(text.substr(value, walk.at() - value))});
    walk.skip_space();
    closed = walk.take("}");
    if (!closed && !walk.take(",")) return {};
  }
  walk.skip_space();
  return walk.at_end() ? std::optional(out) : std::nullopt;
}

std::string text_of(std::string_view raw) {
  raw = raw.substr(1, raw.size() - 2);
  std::string out;
  for (std::size_t at = 0; at < raw.size();) {
    if (raw[at] == '\\') {
      const char c = raw[at + 1];
      at += 2;
      if (c == 'u')
        append_utf8(out, take_unit(raw, at));
      else if (const auto letter = std::string_view("bfnrt").find(c); letter != std::string::npos)
        out += "\b\f\n\r\t"[letter];
      else
        out += c;
      continue;
    }
    const auto length = character_bytes(raw.substr(at));
    out += length == 0 ? std::string_view("\uFFFD") : raw.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const auto length = character_bytes(text.substr(at));
    const auto character = text.substr(at, length == 0 ? 1 : length);
    const auto escape = length == 0 ? std::string("\\ufffd") : escape_of(character);
    out += escape.empty() ? character : escape;
    at += character.size();
  }
  return out + '"';
}

std::string compact(std::string_view raw) {
  std::string out;
  bool in_string = false;
  for (std::size_t at = 0; at < raw.size();) {
    const auto length = std::max<std::size_t>(1, character_bytes(raw.substr(at)));
    const auto character = raw.substr(at, length);
    at += length;
    if (!in_string && std::string_view(" \t\r\n").find(character[0]) != std::string::npos) continue;
    if (character == "\"") in_string = !in_string;
    if (in_string && character == "\\") {
      (out += character) += raw[at++];
      continue;
    }
    const auto escape = in_string ? html_escape(character) : std::string();
    out += escape.empty() ? character : escape;
  }
  return out;
}

std::string folded(std::string_view key) {
  std::string out;
  for (std::size_t at = 0; at < key.size();) {
    const auto length = std::max<std::size_t>(1, character_bytes(key.substr(at)));
    const auto character = key.substr(at, length);
    at += length;
    if (character == "\u017F")
      out += 's';
    else if (character == "\u212A")
      out += 'k';
    else if (character[0] >= 'A' && character[0] <= 'Z')
      out += static_cast<char>(character[0] - 'A' + 'a');
    else
      out += character;
  }
  return out;
}

std::optional<std::string> spelled_time(const std::string& text) {
  static const std::regex form(
      "(\\d{4})-(\\d\\d)-(\\d\\d)T(\\d{1,2}):(\\d\\d):(\\d\\d)(?:[.,](\\d+))?(Z|[+-]\\d\\d:"
      "\\d\\d)");
  std::smatch part;
  if (!std::regex_match(text, part, form)) return {};
  const auto number = [&](std::size_t i) { return std::stoi(part[i].str()); };
  const bool leap = number(1) % 4 == 0 && (number(1) % 100 != 0 || number(1) % 400 == 0);
  const int days[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (number(2) < 1 || number(2) > 12 || number(3) < 1 || number(3) > days[number(2) - 1] ||
      number(4) > 23 || number(5) > 59 || number(6) > 59)
    return {};
  const auto zone = part[8].str();
  if (zone != "Z" && (std::stoi(zone.substr(1, 2)) > 24 || std::stoi(zone.substr(4)) > 60))
    return {};
  auto fraction = part[7].str().substr(0, 9);
  while (fraction.ends_with('0')) fraction.pop_back();
  return part[1].str() + '-' + part[2].str() + '-' + part[3].str() + 'T' +
         (part[4].length() == 1 ? "0" : "") + part[4].str() + ':' + part[5].str() + ':' +
         part[6].str() + (fraction.empty() ? "" : "." + fraction) +
         (zone.substr(1) == "00:00" ? "Z" : zone);
}

}  // namespace nexus::test::reference
