#include "ingest/key_note.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "core/json_text.hpp"

namespace nexus::ingest {
namespace {

// Members of the entry behind those of v0.1.2, which drops what it does not know. An entry that has
// none of them is read back faster, so they are written only where they are needed.
constexpr std::string_view key_member = "\"repeated_key\"";
constexpr std::string_view body_member = "\"body_digest\"";

using body_digest = idempotency_store::body_digest;

std::string to_hex(const body_digest& bytes) {
  std::array<char, 2 * std::tuple_size_v<body_digest> + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), bytes.data(), bytes.size());
  return {hex.data(), hex.size() - 1};
}

/// All zero if it is no digest.
body_digest from_hex(const std::string& hex) {
  body_digest out{};
  std::size_t length = 0;
  const bool fits = sodium_hex2bin(out.data(), out.size(), hex.data(), hex.size(), nullptr, &length,
                                   nullptr) == 0;
  return fits && length == out.size() ? out : body_digest{};
}

void put_text(core::entry& into, std::string_view member, std::string_view text) {
  ((into.extension += ',') += member) += ':';
  core::json::append_quoted(into.extension, text);
}

}  // namespace

std::vector<key_note> make_key_notes(const ports& behind, const config::source_config& source,
                                     std::span<std::string> keys,
                                     std::span<const body_digest> bodies) {
  std::vector<key_note> notes(keys.size());
  const auto is_key = [](const std::string& key) { return !key.empty(); };
  if (!source.idempotency_enabled || std::none_of(keys.begin(), keys.end(), is_key)) return notes;
  const auto waits = behind.keys_wait(source.name, source.target_destinations, keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) continue;
    // The log spells bytes that are not UTF-8 all alike: two such keys would be one to it.
    const bool is_repeated = waits[i] || !core::json::is_utf8(keys[i]);
    const auto body = bodies.empty() ? body_digest{} : bodies[i];
    notes[i] = {std::exchange(keys[i], {}), is_repeated, body};
  }
  return notes;
}

void put_key_note(core::entry& into, key_note note) {
  if (note.key.empty()) return;
  if (note.is_repeated)
    put_text(into, key_member, note.key);
  else
    into.idempotency_key = std::move(note.key);
  if (note.body != body_digest{}) put_text(into, body_member, to_hex(note.body));
}

std::optional<key_note> read_key_note(const core::entry& written) {
  key_note note;
  note.key = written.idempotency_key;
  core::for_each_extension(written, [&note](const core::json::member& item) {
    const bool is_text = core::json::kind_of(item.value) == core::json::kind::string;
    if (is_text && item.key == key_member) {
      note.key = core::json::unquote(item.value);
      note.is_repeated = true;
    }
    if (is_text && item.key == body_member) note.body = from_hex(core::json::unquote(item.value));
  });
  if (note.key.empty()) return std::nullopt;
  return note;
}

body_digest body_to_note(const config::source_config& source, std::string_view body,
                         std::string_view more) {
  return source.idempotency_enabled && source.strict_idempotency ? digest_of_body(body, more)
                                                                 : body_digest{};
}

}  // namespace nexus::ingest
