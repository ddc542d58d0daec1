#include "tests/proof/sweep/reference_line.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "tests/proof/sweep/reference_body.hpp"
#include "tests/wal/reference_json.hpp"

namespace nexus::test::sweep {
namespace {

const std::set<std::string> text_keys{"payload_id", "idempotency_key", "status",
                                      "source",     "destination",     "actor_type",
                                      "subject",    "actor_id",        "timestamp"};

bool is_integer(const std::string& raw) {
  std::int64_t value = 0;
  const auto* end = raw.data() + raw.size();
  const auto [stopped, failure] = std::from_chars(raw.data(), end, value);
  return failure == std::errc{} && stopped == end;
}

/// Whether a member is of the kind that its key demands.
bool fits(const std::string& key, const std::string& value) {
  if (key == "version") return is_integer(value);
  if (!text_keys.contains(key)) return true;
  return value[0] == '"' &&
         (key != "timestamp" || reference::spelled_time(reference::text_of(value)));
}

line_class read_json(line& one) {
  const auto found = reference::members_of(one.json);
  if (!found) return line_class::malformed;
  for (const auto& [raw, value] : *found) {
    const auto key = reference::folded(reference::text_of(raw));
    if (value == "null" || (key == "entry_type" && value[0] != '"')) continue;
    if (!fits(key, value)) return line_class::malformed;  // though a later one might win
    one.members[key] = value;
  }
  return line_class::whole;
}

std::vector<std::string> fields_of(const std::string& text) {
  std::vector<std::string> fields{""};
  for (char c : text)
    if (c == '\t')
      fields.emplace_back();
    else
      fields.back() += c;
  return fields;
}

/// Cut off within the HMAC, or right behind it: right as far as it goes, and then the file ends or
/// NUL bytes follow.
bool is_cut_off(const line& one, const std::string& stored, const std::string& right) {
  const auto digits = stored.substr(0, stored.find('\0'));
  const bool has_nul = digits.size() < stored.size();
  const bool is_short = digits.size() < right.size();
  return (has_nul || (is_short && !one.is_terminated)) && right.starts_with(digits);
}

line_class check_mac(line& one, std::vector<std::string>& fields, const reading_rules& rules) {
  if (fields.size() == 2)
    return rules.accept_unsigned ? line_class::whole : line_class::missing_mac;
  const auto right = hmac_of(fields[0], rules.mac_key);
  auto stored = fields[2];
  for (std::size_t i = 3; i < fields.size(); ++i) stored += '\t' + fields[i];
  if (is_cut_off(one, stored, right)) return line_class::torn;
  for (auto& c : fields[2]) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
  one.is_signed = fields.size() == 3 && fields[2] == right;
  return one.is_signed ? line_class::whole : line_class::bad_mac;
}

line_class class_of(line& one, const std::string& name, const reading_rules& rules) {
  auto text = one.text;
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return line_class::blank;
  auto fields = fields_of(text);
  if (fields.size() == 1) return line_class::torn;
  if (fields[0] == "BFBFBFBFBFBFBFBF") {
    if (fields.back() != "FBFBFBFBFBFBFBFB" || fields.size() < 4 || fields.size() > 6)
      return line_class::bad_sentinel;
    fields.pop_back();
    fields.erase(fields.begin());
  }
  const auto& body = fields[0];
  if (fields[1] != crc_of(body)) return line_class::bad_crc;
  if (!rules.mac_key.empty())
    if (auto found = check_mac(one, fields, rules); found != line_class::whole) return found;
  std::optional<std::string> json = body;
  one.is_encrypted = body.starts_with("enc:");
  if (one.is_encrypted && rules.encryption_keys.empty()) return line_class::no_key;
  if (one.is_encrypted) json = decrypted(body.substr(4), name, rules.encryption_keys);
  if (body.starts_with("zstd:")) json = decompressed(body.substr(5));
  if (!json) return line_class::undecodable;
  one.json = *json;
  return read_json(one);
}

}  // namespace

std::string line::operator[](const std::string& key) const {
  const auto found = members.find(key);
  return found == members.end() ? "" : reference::text_of(found->second);
}

std::vector<line> split_lines(const std::string& bytes) {
  std::vector<line> lines;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto end = std::min(bytes.find('\n', at), bytes.size());
    const auto from = std::min(bytes.find_first_not_of('\0', at), end);
    auto& one = lines.emplace_back();
    one.text = bytes.substr(from, end - from);
    one.offset = from;
    one.is_terminated = end < bytes.size();
    if (end == bytes.size()) one.text.erase(one.text.find_last_not_of('\0') + 1);
    if (end == bytes.size() && one.text.empty()) lines.pop_back();
    at = end + 1;
  }
  return lines;
}

void classify(line& one, const std::string& name, const reading_rules& rules) {
  one.is = class_of(one, name, rules);
}

}  // namespace nexus::test::sweep
