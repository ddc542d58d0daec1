// An entry: what the log stores for one payload, and its JSON (sections 1.3 and 1.4 of the v0.1.2
// behaviour).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/json_text.hpp"
#include "core/result.hpp"

namespace nexus::core {

/// What has become of an entry. Any other word in a line means: not an entry. The last two are
/// permanent failures that an operator has sent once more (as a new entry) or given up; the
/// reference passes such lines over.
enum class status : std::uint8_t { pending, delivered, permanent_failure, redriven, purged };

/// PENDING, DELIVERED, PERMANENT_FAILURE, REDRIVEN or PURGED.
std::string_view to_string(status value) noexcept;
std::optional<status> parse_status(std::string_view word) noexcept;

/// One payload on its way to one destination. Text fields are UTF-8, `payload` is raw JSON.
struct entry {
  std::int64_t version = 2;
  std::string payload_id;
  std::string idempotency_key;     ///< Empty: never deduplicated.
  std::string status = "PENDING";  ///< any word may be read
  std::string timestamp;           ///< RFC 3339; the log fills it in on append where it is empty.
  std::string source;
  std::string destination;
  std::string subject;
  std::string actor_type;
  std::string actor_id;
  std::string payload = "null";
  /// Members that this version does not know, raw, in order, each with its leading comma:
  /// `,"key":value`.
  std::string extension;
  /// What kind of line this is ("" for data); part of `extension` on disk.
  std::string entry_type;
  /// Whoever makes the payload may say that it is one JSON value in the log's spelling (no space
  /// outside strings, characters as core::json::append_quoted writes them), nested less deep than
  /// core::json::depth_max - 1: then append_json does not look at it again.
  bool payload_is_compact = false;
};

/// Entries are shared between actors, never copied.
using entry_ptr = std::shared_ptr<const entry>;

/// Appends the entry's JSON, keys in the fixed order, `payload` compacted, `extension` after it.
/// Error: `invalid_argument` if the payload is not one JSON value, or nests deeper than could be
/// read back.
result<void> append_json(std::string& out, const entry& value);

/// What the log sets when it stores an entry, whatever the entry itself says.
struct stamp {
  std::int64_t version;
  status is;
  std::string_view timestamp;
};

/// The same, with the stamp in place of the entry's own version, status and timestamp.
result<void> append_json(std::string& out, const entry& value, const stamp& set);

/// Reads an entry from JSON by the reference's rules: keys in any order and case, the last of two
/// wins, null keeps the default, unknown keys go to `extension`. Error: `corrupt`, with the reason,
/// never with contents.
result<entry> parse_entry(std::string_view json);

/// Steps through the members of `extension`, raw, in order.
void for_each_extension(const entry& value, const std::function<void(const json::member&)>& visit);

}  // namespace nexus::core
