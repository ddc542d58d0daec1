// Lines as the reference's versions and other programs write them.
#pragma once

#include <sodium.h>
#include <zstd.h>

#include <string>

namespace nexus::test {

inline const std::string mac_key = "01234567890123456789012345678901";

/// A pending entry as the reference spells it.
inline std::string json_of(const std::string& id, const std::string& rest = {},
                           const std::string& status = "PENDING") {
  return R"({"version":2,"payload_id":")" + id + R"(","idempotency_key":"","status":")" + status +
         R"(","timestamp":"2026-04-07T01:02:03.12Z","source":"s","destination":"sqlite",)"
         R"("subject":"u","actor_type":"user","actor_id":"a","payload":{"x":1})" +
         rest + "}";
}

/// The same as another program may spell it.
inline std::string foreign_json(const std::string& id) {
  return R"({ "Payload" : { "a" : "<x>", "z" : 1.0 }, "extra":{"keep":"me"}, "payload_id":")" + id +
         R"(", "VERSION":3,"status":"PENDING","timestamp":"2026-01-01T00:00:00.500+02:00",)"
         R"("source":"s","source":"s2","destination":"sqlite","actor_id":null})";
}

inline std::string zstd_body(const std::string& json) {
  std::string frame(ZSTD_compressBound(json.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), json.data(), json.size(), 3));
  std::string text(sodium_base64_encoded_len(frame.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(frame.data()),
                    frame.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return "zstd:" + text;
}

inline std::string with_cr(std::string line) {
  line.insert(line.size() - 1, "\r");
  return line;
}

}  // namespace nexus::test
