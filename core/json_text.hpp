// JSON as text: validating, slicing, unescaping and re-spelling it without building a document.
//
// Why not RapidJSON here: the log keeps the client's own spelling (1.0 stays 1.0, duplicate keys
// stay), and the reference accepts what RapidJSON refuses: lone surrogates and numbers beyond a
// double (1E400). The rules are those of section 1.4 of the v0.1.2 behaviour (Go's encoding/json).
// Where a document is wanted, use RapidJSON.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace nexus::core::json {

/// Arrays and objects may nest this deep, as in the reference.
inline constexpr std::size_t depth_max = 10'000;

/// The length of the first JSON value in `text`, counted from the start of `text` and including
/// white space before it; what follows the value is not looked at. Error: `invalid_argument`, with
/// the byte offset.
result<std::size_t> value_length(std::string_view text);

/// Checks that `text` is exactly one JSON value, white space around it allowed, with at most
/// `depth` levels of nesting.
result<void> validate(std::string_view text, std::size_t depth = depth_max);

/// Checks the same, and says whether append_compact would leave `text` as it is.
result<bool> is_compact(std::string_view text, std::size_t depth = depth_max);

/// What a raw value is, by its first byte.
enum class kind { null, boolean, number, string, array, object };

/// The kind of a raw value that has been validated (no white space before it).
kind kind_of(std::string_view raw) noexcept;

/// One member of an object, or one element of an array (then `key` is empty).
struct member {
  std::string_view key;    ///< Raw, with its quotes and escapes.
  std::string_view value;  ///< Raw, no white space around it.
};

/// Checks that `text` is exactly one JSON object, and hands each of its members to `visit` on the
/// way; members before an error have been handed out then. Stops with the first error of `visit`.
result<void> for_each_member(std::string_view text,
                             const std::function<result<void>(const member&)>& visit);

/// Steps through the members of a validated object, or the elements of a validated array.
///
///     members m(raw);
///     while (auto* item = m.next()) use(item->value);
class members {
 public:
  /// `raw` must be a validated array or object; it must outlive this object.
  explicit members(std::string_view raw) noexcept;
  /// The next member, valid until the next call; null at the end.
  const member* next() noexcept;

 private:
  std::string_view rest_;
  bool object_;
  member current_;
};

/// The text of a raw string (with its quotes): escapes resolved, a lone surrogate becomes U+FFFD.
/// Bytes that are not UTF-8 are kept.
std::string unquote(std::string_view raw);

/// Whether `text` is well-formed UTF-8.
bool is_utf8(std::string_view text) noexcept;

/// `text` with each byte that is not part of a UTF-8 character replaced by U+FFFD.
std::string replace_invalid_utf8(std::string text);

/// Appends `text` as a JSON string in the reference's spelling: `<`, `>`, `&`, U+2028 and U+2029
/// escaped, control characters in their short form where there is one, each byte that is not UTF-8
/// as \ufffd.
void append_quoted(std::string& out, std::string_view text);

/// Appends a validated value without the white space between its tokens, with `<`, `>`, `&`, U+2028
/// and U+2029 escaped inside strings. Numbers, key order, duplicates and all other bytes stay as
/// they are.
void append_compact(std::string& out, std::string_view raw);

}  // namespace nexus::core::json
