#include "wal/chain.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "core/json_text.hpp"
#include "wal/failure_note.hpp"

namespace nexus::wal {
namespace {

namespace json = core::json;

constexpr std::size_t seal_digits = no_seal.size();
constexpr std::size_t tag_digits = 4;
constexpr std::string_view temporary_name = "wal-anchor.tmp";
/// An anchor is two names and two seals, and encrypted a third longer: more is none of ours.
constexpr std::uint64_t anchor_bytes_max = 64 << 10;

std::string hex_of(std::span<const unsigned char> bytes) {
  std::string hex(2 * bytes.size() + 1, '\0');  // libsodium ends it with a NUL
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  hex.pop_back();
  return hex;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string text_of(std::string_view raw) {
  return json::kind_of(raw) == json::kind::string ? json::unquote(raw) : std::string();
}

void append_mark(std::string& out, std::string_view key, const seal_mark& mark) {
  (out += key) += R"({"segment":)";
  json::append_quoted(out, mark.segment);
  out += R"(,"seal":)";
  json::append_quoted(out, mark.value);
  out += '}';
}

std::optional<seal_mark> parse_mark(std::string_view raw) {
  if (json::kind_of(raw) != json::kind::object) return {};
  seal_mark mark;
  json::members items(raw);
  while (const auto* item = items.next()) {
    if (item->key == "\"segment\"") mark.segment = text_of(item->value);
    if (item->key == "\"seal\"") mark.value = text_of(item->value);
  }
  if (mark.segment.empty() != mark.value.empty()) return {};
  if (!mark.value.empty() && !is_hex(mark.value, seal_digits)) return {};
  return mark;
}

std::optional<anchor> parse_anchor(const core::entry& line) {
  if (line.entry_type != "anchor") return {};
  std::optional<seal_mark> oldest, newest;
  core::for_each_extension(line, [&](const json::member& item) {
    if (item.key == "\"oldest\"") oldest = parse_mark(item.value);
    if (item.key == "\"newest\"") newest = parse_mark(item.value);
  });
  if (!oldest || !newest) return {};
  return anchor{*std::move(oldest), *std::move(newest)};
}

core::result<std::string> read_whole(const core::file& source, const std::string& path) {
  auto size = source.size();
  if (!size) return size.reason();
  if (*size > anchor_bytes_max)
    return core::error{core::errc::corrupt, path + " is too long to be an anchor"};
  std::string bytes(static_cast<std::size_t>(*size), '\0');
  auto got = source.read_at(0, bytes);
  if (!got) return got.reason();
  bytes.resize(*got);
  return bytes;
}

core::result<void> write_new(core::file_system& files, const std::string& path,
                             std::string_view bytes) {
  auto target = files.create(path);
  if (!target) return target.reason();
  if (auto written = (*target)->write_at(0, std::span(&bytes, 1)); !written) return written;
  return (*target)->sync();
}

}  // namespace

void append_json(std::string& out, const seal& value, std::string_view timestamp) {
  auto text = [&](std::string_view key, std::string_view content) {
    out += key;
    json::append_quoted(out, content);
  };
  text(R"({"version":2,"status":"SEAL","timestamp":)", timestamp);
  text(R"(,"entry_type":"seal","segment":)", value.segment);
  text(R"(,"previous":)", value.previous);
  (out += R"(,"lines":)") += std::to_string(value.lines);
  text(R"(,"tags":)", value.tags);
  text(R"(,"seal":)", value.value);
  out += '}';
}

std::optional<seal> parse_seal(const core::entry& line) {
  if (line.entry_type != "seal") return {};
  seal out;
  bool has_lines = false;
  core::for_each_extension(line, [&](const json::member& item) {
    auto raw = item.value;
    if (item.key == "\"segment\"") out.segment = text_of(raw);
    if (item.key == "\"previous\"") out.previous = text_of(raw);
    if (item.key == "\"tags\"") out.tags = text_of(raw);
    if (item.key == "\"seal\"") out.value = text_of(raw);
    if (item.key == "\"lines\"") {
      auto [end, failure] = std::from_chars(raw.data(), raw.data() + raw.size(), out.lines);
      has_lines = failure == std::errc{} && end == raw.data() + raw.size();
    }
  });
  if (!has_lines || out.segment.empty() || !is_hex(out.previous, seal_digits) ||
      !is_hex(out.value, seal_digits))
    return {};
  const bool has_tags = out.lines <= out.tags.size() && is_hex(out.tags, out.lines * tag_digits);
  if (!has_tags && !out.tags.empty()) return {};
  return out;
}

chain::chain(std::string segment, std::string previous)
    : segment_(std::move(segment)), previous_(std::move(previous)) {
  static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(hash_));
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::memcpy(hash_.data(), &state, sizeof(state));
}

void chain::add(const mac_bytes& entry_mac) {
  crypto_hash_sha256_state state;
  std::memcpy(&state, hash_.data(), sizeof(state));
  crypto_hash_sha256_update(&state, entry_mac.data(), entry_mac.size());
  std::memcpy(hash_.data(), &state, sizeof(state));
  for (std::size_t i = 0; i < tag_digits / 2; ++i)
    for (unsigned nibble : {entry_mac[i] >> 4, entry_mac[i] & 15})
      tags_ += "0123456789abcdef"[nibble];
  ++lines_;
}

seal chain::seal_now(const line_format& format) const {
  crypto_hash_sha256_state state;
  std::memcpy(&state, hash_.data(), sizeof(state));
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256_final(&state, digest.data());
  auto sealed = "nexus-wal-seal-1\n" + segment_ + '\n' + previous_ + '\n' + std::to_string(lines_) +
                '\n' + hex_of(digest);
  return {segment_, previous_, lines_, lines_ <= tagged_lines_max ? tags_ : std::string(),
          hex_of(format.mac_of(sealed))};
}

mac_bytes entry_mac(const line_format& format, const scanned_line& line) {
  auto entry = line.entry();
  auto pending = core::to_string(core::status::pending);
  // Nothing was added to what was appended with such members of its own.
  if (entry.status != pending && entry.status != core::to_string(core::status::delivered))
    take_failure_note(entry);
  entry.status = pending;
  if (entry.version == 0) entry.version = 2;
  std::string spelled;
  if (auto done = core::append_json(spelled, entry); !done)
    std::abort();  // it has just been parsed
  // The stored HMAC is the one only of a plain line in our own spelling: any other is spelled anew
  // when it is settled.
  mac_bytes mac;
  if (line.raw.text.starts_with('{') && line.json == spelled &&
      line.hmac.size() == 2 * mac.size() &&
      sodium_hex2bin(mac.data(), mac.size(), line.hmac.data(), line.hmac.size(), nullptr, nullptr,
                     nullptr) == 0)
    return mac;
  return format.mac_of(spelled);
}

core::result<std::optional<anchor>> read_anchor(const options& how, const line_format& format) {
  auto path = how.directory + "/" + std::string(anchor_name);
  auto source = how.files->open_read(path);
  if (!source && source.reason().code == core::errc::not_found) return std::optional<anchor>{};
  if (!source) return source.reason();
  auto bytes = read_whole(**source, path);
  if (!bytes) return bytes.reason();
  auto damaged = [&](std::string_view why) {
    return core::error{core::errc::corrupt, path + ": the anchor of the chain " + std::string(why)};
  };
  std::string_view line = *bytes;
  if (!line.ends_with('\n') || line.find('\n') != line.size() - 1)
    return damaged("is not one line");
  line.remove_suffix(1);
  line_decoder decoder(format, anchor_name);
  auto parts = decoder.read_line(line);
  if (parts.state == line_state::no_key) return damaged("is encrypted, and there is no key");
  if (parts.state == line_state::bad_mac) return damaged("was changed: its HMAC does not fit");
  if (parts.state == line_state::bad_body && parts.encrypted)
    return damaged("does not decrypt: it was changed, or written with another key");
  if (parts.state != line_state::whole) return damaged("is damaged");
  // Anchors were never written without one, whatever else is accepted.
  if (format.signs() && parts.hmac.empty()) return damaged("was changed: its HMAC is missing");
  auto entry = core::parse_entry(parts.json);
  auto value = entry ? parse_anchor(*entry) : std::nullopt;
  if (!value) return damaged("is malformed");
  return value;
}

core::result<void> write_anchor(const options& how, const line_format& format,
                                const anchor& value) {
  std::string json = R"({"version":2,"status":"ANCHOR","timestamp":)";
  json::append_quoted(json, core::format_timestamp(how.clock()));
  append_mark(json, R"(,"entry_type":"anchor","oldest":)", value.oldest);
  append_mark(json, R"(,"newest":)", value.newest);
  json += '}';
  std::string line;
  line_encoder(format, anchor_name).append_line(line, json);

  auto temporary = how.directory + "/" + std::string(temporary_name);
  if (auto removed = how.files->remove(temporary);
      !removed && removed.reason().code != core::errc::not_found)
    return removed;
  auto done = write_new(*how.files, temporary, line);
  if (done) done = how.files->rename(temporary, how.directory + "/" + std::string(anchor_name));
  if (!done) {
    if (auto removed = how.files->remove(temporary); !removed)
      how.log->debug(removed.reason().text);
    return done;
  }
  return how.files->sync_directory(how.directory);
}

}  // namespace nexus::wal
