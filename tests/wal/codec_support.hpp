// What the tests of the line share: golden vectors, and both ends of the codec in one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "wal/format.hpp"

namespace nexus::test {

inline const std::string golden_key = "01234567890123456789012345678901";

/// The JSON of golden vectors V1 to V3.
inline std::string golden_json(const std::string& status) {
  return R"({"version":2,"payload_id":"p1","idempotency_key":"k1","status":")" + status +
         R"(","timestamp":"2026-04-07T01:02:03.12Z","source":"s","destination":"d","subject":"u",)"
         R"("actor_type":"user","actor_id":"a","payload":{"x":1}})";
}

inline const std::string golden_hmac =
    "60d6d9c02a3c6529e833cc1c17dffbf623f62ea4d61801fd72dee12a83e69be1";
inline const std::string file_name = "wal-1700000000000000000.jsonl";

inline wal::options mode_of(wal::integrity_mode mode, bool accept_unsigned = true,
                            const std::string& mac_key = golden_key) {
  wal::options how;
  how.integrity = mode;
  how.mac_key = mac_key;
  how.accept_unsigned = accept_unsigned;
  return how;
}

inline const wal::options plain_mode = mode_of(wal::integrity_mode::crc32);
inline const wal::options mac_mode = mode_of(wal::integrity_mode::mac);
inline const wal::options strict_mode = mode_of(wal::integrity_mode::mac, false);

/// The ciphers that this CPU can run; the last one runs anywhere.
inline std::vector<wal::cipher> ciphers_here() {
  std::vector<wal::cipher> all;
  for (auto with : {wal::cipher::aes_256_gcm, wal::cipher::xchacha20_poly1305})
    if (wal::is_available(with)) all.push_back(with);
  return all;
}

inline wal::options encrypting(wal::options how, wal::cipher with) {
  how.encryption.enabled = true;
  how.encryption.with = with;
  how.encryption.keys = {std::string(32, 'E')};
  return how;
}

/// What writes and reads the lines of one file.
struct codec {
  explicit codec(const wal::options& how, const std::string& name = file_name)
      : format(made(how)), encoder(*format, name), decoder(*format, name) {}

  static std::unique_ptr<wal::line_format> made(const wal::options& how) {
    auto format = wal::line_format::make(how);
    INFO((format ? "" : format.reason().text));
    REQUIRE(format.ok());
    return *std::move(format);
  }

  /// With its newline.
  std::string line_of(const std::string& json) const {
    std::string out;
    encoder.append_line(out, json);
    return out;
  }
  wal::line_state state_of(const std::string& line) { return decoder.read_line(line).state; }

  std::unique_ptr<wal::line_format> format;
  wal::line_encoder encoder;
  wal::line_decoder decoder;
};

inline std::string without_newline(std::string line) {
  REQUIRE(line.ends_with('\n'));
  line.pop_back();
  return line;
}

}  // namespace nexus::test
