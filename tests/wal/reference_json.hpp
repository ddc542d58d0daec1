// JSON by the reference's rules (section 1.4 of the v0.1.2 behaviour, Go's encoding/json), written
// from that section alone: with nothing of ours, and not with RapidJSON, which refuses texts that
// the reference takes (lone surrogates, 1E400).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::test::reference {

/// A member as it is spelled: `key` with its quotes.
struct json_member {
  std::string key, value;
};

/// The members of `text`; nothing if it is not one JSON object (or `null`, which has none) with
/// nothing but white space around it.
std::optional<std::vector<json_member>> members_of(std::string_view text);

/// What a string (with its quotes) says: lone surrogates and bytes that are not UTF-8 become
/// U+FFFD.
std::string text_of(std::string_view raw);

/// How the reference writes that text.
std::string quoted(std::string_view text);

/// How the reference writes embedded JSON: without white space between tokens, with <, >, &, U+2028
/// and U+2029 escaped.
std::string compact(std::string_view raw);

/// A key as it is compared: ASCII lower case, the long s and the Kelvin sign folded.
std::string folded(std::string_view key);

/// How the reference writes the time that `text` names; nothing if it is none for it.
std::optional<std::string> spelled_time(const std::string& text);

}  // namespace nexus::test::reference
