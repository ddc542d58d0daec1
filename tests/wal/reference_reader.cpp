#include "tests/wal/reference_reader.hpp"

#include <sodium.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>

#include "tests/support/temp_dir.hpp"
#include "tests/wal/reference_json.hpp"

namespace nexus::test {
namespace {

using reference::json_member;

constexpr std::size_t line_limit = 10'485'759;

const std::set<std::string> files_of_ours{"lock", "reserve", "anchor", "dead-letter.jsonl",
                                          "quarantine"};

std::string crc_of(const std::string& body) {
  char text[9];
  auto value =
      ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  std::snprintf(text, sizeof(text), "%08lx", value);
  return text;
}

std::string hmac_of(const std::string& body, const std::string& key) {
  crypto_auth_hmacsha256_state state;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()),
                              key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(body.data()),
                                body.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  std::string text;
  for (auto byte : mac) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

/// Of the eleven keys that the reference knows, and where it puts what they say.
struct known_key {
  std::string_view name;
  std::string reference_line::*text;  ///< null: the version
};
constexpr std::array<known_key, 11> known_keys{
    {{"version", nullptr},
     {"payload_id", &reference_line::payload_id},
     {"idempotency_key", &reference_line::idempotency_key},
     {"status", &reference_line::status},
     {"timestamp", &reference_line::timestamp},
     {"source", &reference_line::source},
     {"destination", &reference_line::destination},
     {"subject", &reference_line::subject},
     {"actor_type", &reference_line::actor_type},
     {"actor_id", &reference_line::actor_id},
     {"payload", &reference_line::payload}}};

/// False: the member is of a kind that makes the line malformed.
bool take_member(reference_line& out, const known_key& key, const std::string& raw) {
  if (key.name == "payload") return out.payload = raw, true;
  if (raw == "null") return true;
  if (key.text == nullptr) {
    auto [end, failure] = std::from_chars(raw.data(), raw.data() + raw.size(), out.version);
    return failure == std::errc{} && end == raw.data() + raw.size();
  }
  if (raw[0] != '"') return false;
  auto text = reference::text_of(raw);
  if (key.name == "timestamp") {
    auto time = reference::spelled_time(text);
    if (!time) return false;
    text = *time;
  }
  out.*key.text = text;
  return true;
}

/// How the reference would write what it has read, and behind it the members that it does not know.
std::string respelled(const reference_line& line, const std::vector<json_member>& others) {
  std::string out = "{";
  for (const auto& key : known_keys) {
    (out += '"').append(key.name) += "\":";
    if (key.text == nullptr)
      out += std::to_string(line.version);
    else if (key.name == "payload")
      out += line.payload.empty() ? "null" : reference::compact(line.payload);
    else
      out += reference::quoted(line.*key.text);
    out += ',';
  }
  for (const auto& [key, value] : others)
    out += reference::quoted(reference::text_of(key)) + ':' + reference::compact(value) + ',';
  out.back() = '}';
  return out;
}

/// U+FFFD spelled in one way: the reference writes \\ufffd for a byte that is not UTF-8, and the
/// character itself where that stood in a text before.
std::string with_plain_replacement(std::string json) {
  const std::string_view escape = "\\ufffd", plain = "\uFFFD";
  for (std::size_t at = 0; (at = json.find(escape, at)) != json.npos; at += plain.size())
    json.replace(at, escape.size(), plain);
  return json;
}

/// False: malformed for the reference.
bool read_json(reference_line& out) {
  auto members = reference::members_of(out.json);
  if (!members) return false;
  out.timestamp = "0001-01-01T00:00:00Z";
  std::vector<json_member> others;
  for (auto& one : *members) {
    const auto name = reference::folded(reference::text_of(one.key));
    const auto key = std::find_if(known_keys.begin(), known_keys.end(),
                                  [&](const auto& known) { return known.name == name; });
    if (key == known_keys.end()) {
      if (name == "entry_type" && one.value != "\"\"") out.has_type = true;
      others.push_back(std::move(one));
    } else if (!take_member(out, *key, one.value)) {
      return false;
    }
  }
  const auto spelled = with_plain_replacement(respelled(out, others));
  out.canonical = out.canonical && spelled == with_plain_replacement(out.json);
  return true;
}

class directory_reader {
 public:
  explicit directory_reader(const std::string& key) : key_(key) {}

  /// False: reading ends here.
  bool read(const std::string& path) {
    const auto text = read_file(path);
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      auto line = text.substr(at, end == text.npos ? end : end - at);
      at = end == text.npos ? text.size() : end + 1;
      if (line.size() > line_limit) return !(view_.too_long = true);
      reference_line one;
      one.segment = std::filesystem::path(path).filename();
      one.canonical = end != text.npos;
      take(std::move(line), std::move(one));
    }
    return true;
  }

  reference_view finish() {
    view_.damaged =
        view_.short_lines + view_.crc_failures + view_.integrity_failures + view_.malformed;
    return std::move(view_);
  }

  void add_leftover(const std::string& name) { view_.leftovers.push_back(name); }

 private:
  void take(std::string line, reference_line one) {
    if (line.ends_with('\r')) {
      line.pop_back();
      one.canonical = false;
    }
    const auto first = line.find('\t');
    if (first == line.npos) return void(++view_.short_lines);
    const auto second = line.find('\t', first + 1);
    one.json = line.substr(0, first);
    const auto crc = line.substr(first + 1, second == line.npos ? second : second - first - 1);
    if (crc != crc_of(one.json)) return void(++view_.crc_failures);
    one.has_hmac = second != line.npos;
    if (one.has_hmac && !take_hmac(line.substr(second + 1), one)) ++view_.integrity_failures;
    const bool is_signed_wrongly = one.has_hmac && !one.has_fitting_hmac && !key_.empty();
    if (!read_json(one)) {
      if (!is_signed_wrongly) ++view_.malformed;
      return;
    }
    if (one.status == "DELIVERED") view_.delivered.push_back(one.payload_id);
    if (one.has_type && (one.status == "DELIVERED" || one.status == "PENDING")) ++view_.misread;
    if (is_signed_wrongly) return;
    if (one.status == "PENDING" &&
        (one.idempotency_key.empty() || seen_.insert(one.idempotency_key).second))
      view_.pending.push_back(one.payload_id);
    view_.lines.push_back(std::move(one));
  }

  /// False: it must fit, and does not.
  bool take_hmac(std::string hmac, reference_line& one) const {
    if (hmac.size() != 64) one.canonical = false;
    if (key_.empty()) return true;
    const auto expected = hmac_of(one.json, key_);
    one.canonical = one.canonical && hmac == expected;
    std::transform(hmac.begin(), hmac.end(), hmac.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    return one.has_fitting_hmac = hmac == expected;
  }

  const std::string key_;
  std::set<std::string> seen_;
  reference_view view_;
};

}  // namespace

reference_view read_as_reference(const std::string& directory, const std::string& key) {
  directory_reader reader(key);
  std::set<std::string> segments;
  for (const auto& one : std::filesystem::directory_iterator(directory)) {
    auto name = one.path().filename().string();
    if (name.starts_with("wal-") && name.ends_with(".jsonl") && name.size() >= 10)
      segments.insert(name);
    else if (!files_of_ours.contains(name))
      reader.add_leftover(name);
  }
  for (const auto& name : segments)
    if (!reader.read(directory + "/" + name)) break;
  return reader.finish();
}

reference_view read_file_as_reference(const std::string& path, const std::string& key) {
  directory_reader reader(key);
  reader.read(path);
  return reader.finish();
}

std::string reference_line_of(const std::string& json, const std::string& key) {
  return json + '\t' + crc_of(json) + (key.empty() ? "" : '\t' + hmac_of(json, key)) + '\n';
}

std::string sentinel_line_of(const std::string& body, const std::string& key) {
  auto line = reference_line_of(body, key);
  line.pop_back();
  return "BFBFBFBFBFBFBFBF\t" + line + "\tFBFBFBFBFBFBFBFB\n";
}

}  // namespace nexus::test
