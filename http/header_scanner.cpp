#include "http/header_scanner.hpp"

#include <algorithm>

#include "core/json_bytes.hpp"

namespace nexus::http {
namespace {

bool is_control(char byte) {
  auto value = static_cast<unsigned char>(byte);
  return (value < 0x20 && byte != '\t') || value == 0x7f;
}

}  // namespace

header_scanner::verdict header_scanner::scan(std::string_view bytes) {
  while (position_ < bytes.size()) {
    if (position_ >= limits_.header_bytes_max) return verdict::too_large;
    char byte = bytes[position_++];
    verdict found = take(byte);
    if (found != verdict::incomplete) return found;
    previous_ = byte;
    if (lines_ > 0 && byte >= ' ') skip_text(bytes);
  }
  return verdict::incomplete;
}

void header_scanner::skip_text(std::string_view bytes) {
  using core::json::block;
  const char* end = bytes.data() + std::min(bytes.size(), limits_.header_bytes_max);
  const char* at = core::json::find_byte(
      bytes.data() + position_, end,
      [](block part) { return part.below(0x20) | part.equal(0x7f); },
      [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  position_ = static_cast<std::size_t>(at - bytes.data());
}

void header_scanner::reset() {
  *this = header_scanner(limits_);
}

header_scanner::verdict header_scanner::take(char byte) {
  if (byte == '\n') return previous_ == '\r' ? end_line() : verdict::malformed;
  if (previous_ == '\r') return verdict::malformed;
  if (byte == '\r') return verdict::incomplete;
  if (is_control(byte)) return verdict::malformed;
  if (lines_ > 0) {
    bool folded = position_ - 1 == line_start_ && (byte == ' ' || byte == '\t');
    return folded ? verdict::malformed : verdict::incomplete;
  }
  if (byte == ' ') {
    ++spaces_;
  } else if (spaces_ == 1 && ++target_bytes_ > limits_.target_bytes_max) {
    return verdict::target_too_long;
  }
  return verdict::incomplete;
}

header_scanner::verdict header_scanner::end_line() {
  bool empty = position_ - line_start_ == 2;
  if (empty) return lines_ == 0 ? verdict::malformed : verdict::complete;
  line_start_ = position_;
  ++lines_;
  return lines_ - 1 > limits_.headers_max ? verdict::too_many : verdict::incomplete;
}

}  // namespace nexus::http
