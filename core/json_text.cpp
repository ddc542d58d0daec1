#include "core/json_text.hpp"

#include <cstdint>

#include "core/json_bytes.hpp"

namespace nexus::core::json {
namespace {

/// The byte after the value that starts at `at`, in validated text.
const char* skip_value(const char* at, const char* end) {
  std::size_t depth = 0;
  do {
    switch (*at) {
      case '"':
        at = skip_string(at, end);
        break;
      case '{':
      case '[':
        ++depth, ++at;
        break;
      case '}':
      case ']':
        --depth, ++at;
        break;
      case ',':
      case ':':
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        ++at;
        break;
      default:
        while (at != end && (is_digit(*at) || (*at >= 'a' && *at <= 'z') || *at == '-' ||
                             *at == '+' || *at == '.' || *at == 'E'))
          ++at;
    }
  } while (depth > 0);
  return at;
}

void append_utf8(std::string& out, std::uint32_t code) {
  auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::uint32_t four_hex(const char* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value * 16 + static_cast<std::uint32_t>(hex_value(at[i]));
  return value;
}

/// Resolves the \uXXXX whose digits start at `at`; returns the byte after it, or after the pair
/// that it begins.
const char* append_unicode_escape(std::string& out, const char* at, const char* end) {
  std::uint32_t code = four_hex(at);
  at += 4;
  if (code < 0xD800 || code > 0xDFFF) return append_utf8(out, code), at;
  if (code < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    std::uint32_t low = four_hex(at + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      append_utf8(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
      return at + 6;
    }
  }
  append_utf8(out, 0xFFFD);
  return at;
}

/// The length of the well-formed UTF-8 sequence at the front of `text` (Unicode, table 3-7); 0 if
/// there is none.
std::size_t utf8_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto continues = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
      if (i >= text.size() || (byte(i) & 0xC0) != 0x80) return false;
    return true;
  };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  if (first < 0xE0) return continues(1, 2) ? 2 : 0;
  if (first < 0xF0) {
    if (!continues(1, 3)) return 0;
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (!continues(1, 4)) return 0;
  if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
  return 4;
}

/// The length of the part of `text` before the first byte that is not UTF-8.
std::size_t utf8_prefix(std::string_view text) {
  std::size_t valid = 0;
  auto end = text.data() + text.size();
  for (;;) {
    auto at = find_byte(
        text.data() + valid, end, [](block bytes) { return bytes.beyond_ascii(); },
        [](unsigned char c) { return c >= 0x80; });
    valid = static_cast<std::size_t>(at - text.data());
    if (at == end) return valid;
    auto length = utf8_length(text.substr(valid));
    if (length == 0) return valid;
    valid += length;
  }
}

void append_u00(std::string& out, unsigned char byte) {
  constexpr char digits[] = "0123456789abcdef";
  out += "\\u00";
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

void append_control(std::string& out, unsigned char byte) {
  switch (byte) {
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_u00(out, byte);
  }
}

/// The first byte from `at` on that the reference's spelling may change: a control character, `"`,
/// `\`, `<`, `>`, `&`, or one that is not ASCII.
const char* find_special(const char* at, const char* end) {
  return find_byte(
      at, end,
      [](block bytes) {
        // `"` and `&` differ in one bit, and so do `<` and `>`.
        return bytes.beyond_ascii() | bytes.below(0x20) | bytes.equal('\\') |
               bytes.equal('&', 0x04) | bytes.equal('>', 0x02);
      },
      [](unsigned char c) {
        return c < 0x20 || c >= 0x80 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&';
      });
}

/// Appends `text` up to the first byte that needs a look, and returns that byte's place.
const char* copy_plain(std::string& out, const char* at, const char* end) {
  const char* from = at;
  at = find_special(at, end);
  out.append(from, at);
  return at;
}

}  // namespace

kind kind_of(std::string_view raw) noexcept {
  switch (raw.empty() ? 'n' : raw.front()) {
    case 'n':
      return kind::null;
    case 't':
    case 'f':
      return kind::boolean;
    case '"':
      return kind::string;
    case '[':
      return kind::array;
    case '{':
      return kind::object;
    default:
      return kind::number;
  }
}

members::members(std::string_view raw) noexcept {
  auto end = raw.data() + raw.size();
  auto at = skip_space(raw.data(), end);
  object_ = at != end && *at == '{';
  rest_ = {at + 1, static_cast<std::size_t>(end - at - 1)};
}

const member* members::next() noexcept {
  auto at = rest_.data();
  auto end = at + rest_.size();
  while (at != end && (is_space(*at) || *at == ',')) ++at;
  if (at == end || *at == '}' || *at == ']') return nullptr;
  current_.key = {};
  if (object_) {
    auto key_end = skip_string(at, end);
    current_.key = {at, static_cast<std::size_t>(key_end - at)};
    at = skip_space(key_end, end) + 1;  // the colon
    at = skip_space(at, end);
  }
  auto value_end = skip_value(at, end);
  current_.value = {at, static_cast<std::size_t>(value_end - at)};
  rest_ = {value_end, static_cast<std::size_t>(end - value_end)};
  return &current_;
}

std::string unquote(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  auto at = raw.data() + 1;
  auto end = raw.data() + raw.size() - 1;
  while (at != end) {
    auto from = at;
    at = find_byte(
        at, end, [](block bytes) { return bytes.equal('\\'); },
        [](unsigned char c) { return c == '\\'; });
    out.append(from, at);
    if (at == end) break;
    char escape = at[1];
    at += 2;
    switch (escape) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u':
        at = append_unicode_escape(out, at, end);
        break;
      default:
        out += escape;
    }
  }
  return out;
}

bool is_utf8(std::string_view text) noexcept {
  return utf8_prefix(text) == text.size();
}

std::string replace_invalid_utf8(std::string text) {
  auto valid = utf8_prefix(text);
  if (valid == text.size()) return text;
  std::string out = text.substr(0, valid);
  for (std::string_view rest = std::string_view(text).substr(valid); !rest.empty();) {
    auto length = utf8_length(rest);
    out += length == 0 ? std::string_view("\xEF\xBF\xBD") : rest.substr(0, length);
    rest.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  auto end = text.data() + text.size();
  auto at = find_special(text.data(), end);
  out += '"';
  out.append(text.data(), at);
  for (; at != end; at = copy_plain(out, at, end)) {
    auto byte = static_cast<unsigned char>(*at);
    if (byte >= 0x80) {
      auto length = utf8_length({at, static_cast<std::size_t>(end - at)});
      if (length == 0)
        out += "\\ufffd";
      else if (is_line_separator(at, end))
        out += at[2] == '\xA8' ? "\\u2028" : "\\u2029";
      else
        out.append(at, length);
      at += length == 0 ? 1 : length;
      continue;
    }
    if (byte == '"' || byte == '\\')
      (out += '\\') += *at;
    else if (byte < 0x20)
      append_control(out, byte);
    else
      append_u00(out, byte);
    ++at;
  }
  out += '"';
}

void append_compact(std::string& out, std::string_view raw) {
  auto end = raw.data() + raw.size();
  auto from = raw.data();  // what has not been appended yet begins here
  auto at = from;
  /// Appends what stands before `at`, and goes on behind the next `skipped` bytes.
  auto leave_out = [&](std::ptrdiff_t skipped) {
    out.append(from, at);
    from = at += skipped;
  };
  for (bool in_string = false; at != end;) {
    if (in_string) at = skip_compact(at, end);
    if (at == end) break;
    char c = *at;
    if (c == '"') {
      in_string = !in_string;
      ++at;
    } else if (!in_string) {
      if (is_space(c))
        leave_out(1);
      else
        ++at;
    } else if (c == '\\') {
      at += 2;
    } else if (c == '<' || c == '>' || c == '&') {
      leave_out(1);
      append_u00(out, static_cast<unsigned char>(c));
    } else if (is_line_separator(at, end)) {
      bool line = at[2] == '\xA8';
      leave_out(3);
      out += line ? "\\u2028" : "\\u2029";
    } else {
      ++at;
    }
  }
  out.append(from, end);
}

}  // namespace nexus::core::json
