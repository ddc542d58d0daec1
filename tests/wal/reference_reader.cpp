#include "tests/wal/reference_reader.hpp"

#include <rapidjson/document.h>
#include <sodium.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <set>

#include "tests/support/temp_dir.hpp"

namespace nexus::test {
namespace {

constexpr std::size_t line_limit = 10'485'759;

std::string crc_of(const std::string& json) {
  char text[9];
  auto value =
      ::crc32(0, reinterpret_cast<const Bytef*>(json.data()), static_cast<uInt>(json.size()));
  std::snprintf(text, sizeof(text), "%08lx", value);
  return text;
}

std::string hmac_of(const std::string& json, const std::string& key) {
  crypto_auth_hmacsha256_state state;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()),
                              key.size());
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(json.data()),
                                json.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  std::string text;
  for (auto byte : mac) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

std::string text_of(const rapidjson::Document& document, const char* name) {
  auto member = document.FindMember(name);
  if (member == document.MemberEnd() || !member->value.IsString()) return {};
  return {member->value.GetString(), member->value.GetStringLength()};
}

bool has_reference_order(const rapidjson::Document& document) {
  constexpr std::array names{"version",    "payload_id", "idempotency_key", "status",
                             "timestamp",  "source",     "destination",     "subject",
                             "actor_type", "actor_id",   "payload"};
  if (document.MemberCount() < names.size()) return false;
  auto member = document.MemberBegin();
  return std::all_of(names.begin(), names.end(),
                     [&](const char* name) { return (member++)->name == name; });
}

/// False: the reference skips it.
bool read_line(std::string line, const std::string& key, reference_line& out) {
  out.canonical = line.empty() || line.back() != '\r';
  if (!out.canonical) line.pop_back();
  auto first = line.find('\t');
  if (first == line.npos) return false;
  out.json = line.substr(0, first);
  auto second = line.find('\t', first + 1);
  if (line.substr(first + 1, second == line.npos ? second : second - first - 1) != crc_of(out.json))
    return false;
  out.has_hmac = second != line.npos;
  if (!key.empty() && out.has_hmac && line.substr(second + 1) != hmac_of(out.json, key))
    return false;
  rapidjson::Document document;
  document.Parse<rapidjson::kParseNumbersAsStringsFlag>(out.json.data(), out.json.size());
  if (document.HasParseError() || !document.IsObject()) return false;
  out.payload_id = text_of(document, "payload_id");
  out.idempotency_key = text_of(document, "idempotency_key");
  out.status = text_of(document, "status");
  out.destination = text_of(document, "destination");
  out.canonical = out.canonical && has_reference_order(document);
  return true;
}

}  // namespace

reference_view read_as_reference(const std::string& directory, const std::string& key) {
  reference_view view;
  std::set<std::string> segments, seen;
  for (const auto& one : std::filesystem::directory_iterator(directory)) {
    auto name = one.path().filename().string();
    if (name.starts_with("wal-") && name.ends_with(".jsonl"))
      segments.insert(name);
    else if (name != "lock" && name != "reserve" && name != "anchor")
      view.leftovers.push_back(name);
  }
  for (const auto& name : segments) {
    auto text = read_file(directory + "/" + name);
    for (std::size_t at = 0; at < text.size();) {
      auto end = text.find('\n', at);
      auto line = text.substr(at, end == text.npos ? end : end - at);
      at = end == text.npos ? text.size() : end + 1;
      view.too_long = view.too_long || line.size() > line_limit;
      reference_line one;
      one.segment = name;
      if (!read_line(line, key, one)) {
        ++view.damaged;
        continue;
      }
      one.canonical = one.canonical && end != text.npos;
      if (one.status == "PENDING" &&
          (one.idempotency_key.empty() || seen.insert(one.idempotency_key).second))
        view.pending.push_back(one.payload_id);
      view.lines.push_back(std::move(one));
    }
  }
  return view;
}

}  // namespace nexus::test
