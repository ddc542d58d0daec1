#include "wal/format.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/base64.hpp"
#include "core/digest.hpp"
#include "core/json_text.hpp"
#include "wal/compression.hpp"

namespace nexus::wal {
namespace {

static_assert(sizeof(crypto_auth_hmacsha256_state) <= 512);

constexpr std::size_t crc_digits = 8;
constexpr std::size_t hmac_digits = 2 * crypto_auth_hmacsha256_BYTES;
static_assert(std::tuple_size_v<mac_bytes> == crypto_auth_hmacsha256_BYTES);

constexpr std::string_view start_sentinel = "BFBFBFBFBFBFBFBF";
constexpr std::string_view end_sentinel = "FBFBFBFBFBFBFBFB";
constexpr std::string_view encrypted_prefix = "enc:";
constexpr std::string_view compressed_prefix = "zstd:";

/// Whether a write was cut off within the HMAC, or right behind it: it is right as far as it goes,
/// up to the end of the file or to NUL bytes. Whoever has no key can make such a line only by
/// leaving all of the HMAC out, or the newline, and could as well spoil the CRC: none of that hides
/// from the chain of seals.
bool is_cut_off(std::string_view stored, const std::array<char, hmac_digits>& expected,
                bool terminated) {
  const auto digits = stored.substr(0, stored.find('\0'));
  const bool is_short = !terminated && digits.size() < hmac_digits;
  return (is_short || digits.size() < stored.size()) &&
         std::string_view(expected.data(), expected.size()).starts_with(digits);
}

/// The HMAC as a file may spell it: either case.
bool same_hex(std::string_view stored, const std::array<char, hmac_digits>& expected) {
  if (stored.size() != hmac_digits) return false;
  std::array<char, hmac_digits> lower;
  for (std::size_t i = 0; i < hmac_digits; ++i)
    lower[i] =
        stored[i] >= 'A' && stored[i] <= 'F' ? static_cast<char>(stored[i] - 'A' + 'a') : stored[i];
  return sodium_memcmp(lower.data(), expected.data(), hmac_digits) == 0;
}

/// The fields of a line, without its sentinels.
struct line_fields {
  line_state state = line_state::whole;
  std::string_view body = {};
  std::string_view crc = {};
  std::optional<std::string_view> hmac = {};  ///< with all that follows it
};

/// Takes the text up to the first tab off `rest`; all of it if there is none.
std::string_view take_field(std::string_view& rest) {
  const auto field = rest.substr(0, rest.find('\t'));
  rest.remove_prefix(std::min(rest.size(), field.size() + 1));
  return field;
}

/// BODY TAB crc32 [TAB hmac]. `first`: where the first tab is.
line_fields split_plain(std::string_view line, std::size_t first) {
  line_fields fields;
  fields.body = line.substr(0, first);
  const auto second = line.find('\t', first + 1);
  fields.crc = line.substr(first + 1, second - first - 1);
  if (second != line.npos) fields.hmac = line.substr(second + 1);
  return fields;
}

/// START TAB BODY TAB crc32 [TAB hmac] TAB END; `rest` is what follows the start sentinel and its
/// tab. Where the HMAC stands there may be two fields: the reference lets that pass unchecked in
/// mode mac; here it is an HMAC that can't fit.
line_fields split_sentinel(std::string_view rest) {
  const auto last = rest.rfind('\t');
  if (last == rest.npos || rest.substr(last + 1) != end_sentinel) return {line_state::bad_sentinel};
  rest = rest.substr(0, last);
  if (rest.find('\t') == rest.npos || std::count(rest.begin(), rest.end(), '\t') > 3)
    return {line_state::bad_sentinel};
  line_fields fields;
  fields.body = take_field(rest);
  const bool has_hmac = rest.find('\t') != rest.npos;
  fields.crc = take_field(rest);
  if (has_hmac) fields.hmac = rest;
  return fields;
}

line_fields split(std::string_view line) {
  if (line.empty()) return {line_state::blank};
  const auto first = line.find('\t');
  if (first == line.npos) return {line_state::torn};
  if (line.substr(0, first) == start_sentinel) return split_sentinel(line.substr(first + 1));
  return split_plain(line, first);
}

/// libsodium's state is copied in and out of bytes, so that its header stays in this file.
crypto_auth_hmacsha256_state load(const std::array<unsigned char, 512>& bytes) {
  crypto_auth_hmacsha256_state state;
  std::memcpy(&state, bytes.data(), sizeof(state));
  return state;
}

}  // namespace

core::result<std::unique_ptr<line_format>> line_format::make(const options& how) {
  if (sodium_init() < 0) std::abort();
  if (how.integrity == integrity_mode::mac && how.mac_key.empty())
    return core::error{core::errc::bad_config, "integrity mode mac of the log needs a key"};
  auto keys = keyring::make(how.encryption);
  if (!keys) return keys.reason();
  return std::unique_ptr<line_format>(new line_format(how, std::move(*keys)));
}

line_format::line_format(const options& how, keyring keys)
    : mode_(how.integrity), accept_unsigned_(how.accept_unsigned), keys_(std::move(keys)) {
  if (!signs()) return;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(how.mac_key.data()),
                              how.mac_key.size());
  std::memcpy(keyed_state_.data(), &state, sizeof(state));
  sodium_memzero(&state, sizeof(state));
}

line_format::~line_format() {
  sodium_memzero(keyed_state_.data(), keyed_state_.size());
}

mac_bytes line_format::mac_of(std::string_view text) const {
  auto state = load(keyed_state_);
  mac_bytes mac;
  const char* bytes = text.empty() ? "" : text.data();  // libsodium wants no null pointer
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(bytes), text.size());
  crypto_auth_hmacsha256_final(&state, mac.data());  // wipes the state
  return mac;
}

mac_bytes line_format::mac_at_end(std::string_view line) {
  mac_bytes mac;
  std::size_t size = 0;
  if (line.size() < hmac_digits ||
      sodium_hex2bin(mac.data(), mac.size(), line.data() + line.size() - hmac_digits, hmac_digits,
                     nullptr, &size, nullptr) != 0)
    std::abort();
  return mac;
}

std::array<char, hmac_digits> line_format::hmac_hex(std::string_view body) const {
  const auto mac = mac_of(body);
  std::array<char, hmac_digits + 1> hex;  // libsodium ends it with a NUL
  sodium_bin2hex(hex.data(), hex.size(), mac.data(), mac.size());
  std::array<char, hmac_digits> digits;
  std::memcpy(digits.data(), hex.data(), hmac_digits);
  return digits;
}

void line_format::finish_line(std::string& out, std::size_t start) const {
  const auto body = std::string_view(out).substr(start);
  const auto crc = core::crc32_hex(body);
  if (signs()) {
    const auto mac = hmac_hex(body);
    (out += '\t').append(crc.data(), crc.size());
    (out += '\t').append(mac.data(), mac.size());
  } else {
    (out += '\t').append(crc.data(), crc.size());
  }
  out += '\n';
}

std::size_t line_format::line_bytes(std::size_t json_bytes) const noexcept {
  const auto body = encrypts() ? file_cipher::body_bytes(json_bytes, keys_.with()) : json_bytes;
  return body + 1 + crc_digits + (signs() ? 1 + hmac_digits : 0);
}

line_encoder::line_encoder(const line_format& format, std::string_view file_name)
    : format_(format), file_name_(file_name) {
  if (format.encrypts()) cipher_.emplace(format.keys());
}

void line_encoder::append_header(std::string& out, std::string_view timestamp) const {
  if (!cipher_) return;
  const auto start = out.size();
  const auto text = [&](std::string_view key, std::string_view value) {
    out += key;
    core::json::append_quoted(out, value);
  };
  text(R"({"version":2,"status":"SEGMENT","timestamp":)", timestamp);
  text(R"(,"entry_type":"segment","segment":)", file_name_);
  text(R"(,"cipher":)", to_string(format_.keys().with()));
  text(R"(,"key_id":)", format_.keys().current_id());
  out += '}';
  format_.finish_line(out, start);
}

void line_encoder::append_line(std::string& out, std::string_view json) const {
  const auto start = out.size();
  if (cipher_)
    cipher_->append_body(out, json, file_name_);
  else
    out += json;
  format_.finish_line(out, start);
}

line_decoder::line_decoder(const line_format& format, std::string_view file_name)
    : format_(format), file_name_(file_name), decipher_(format.keys()) {}

line_parts line_decoder::read_line(std::string_view line, bool terminated) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const auto fields = split(line);
  line_parts parts;
  const auto failed = [&](line_state state) {
    parts.state = state;
    return parts;
  };
  if (fields.state != line_state::whole) return failed(fields.state);
  const auto expected = core::crc32_hex(fields.body);
  if (fields.crc != std::string_view(expected.data(), expected.size()))
    return failed(line_state::bad_crc);
  if (format_.signs()) {
    if (!fields.hmac && !format_.accept_unsigned_) return failed(line_state::missing_mac);
    if (fields.hmac) {
      const auto expected_hmac = format_.hmac_hex(fields.body);
      if (is_cut_off(*fields.hmac, expected_hmac, terminated)) return failed(line_state::torn);
      if (!same_hex(*fields.hmac, expected_hmac)) return failed(line_state::bad_mac);
    }
    parts.hmac = fields.hmac.value_or(std::string_view());
  }
  return read_body(parts, fields.body);
}

line_parts line_decoder::read_body(line_parts parts, std::string_view body) {
  const auto unreadable = [&](line_state state) {
    return line_parts{state, {}, {}, parts.encrypted};
  };
  parts.state = line_state::whole;
  if (body.starts_with(encrypted_prefix)) {
    parts.encrypted = true;
    if (format_.keys().empty()) return unreadable(line_state::no_key);
    if (!decipher_.open_body(buffer_, body, file_name_)) return unreadable(line_state::bad_body);
    parts.json = buffer_;
  } else if (body.starts_with(compressed_prefix)) {
    if (!core::decode_base64(packed_, body.substr(compressed_prefix.size())) ||
        !decompress_zstd(buffer_, packed_))
      return unreadable(line_state::bad_body);
    parts.json = buffer_;
  } else {
    parts.json = body;
  }
  return parts;
}

}  // namespace nexus::wal
