// Keys, and the encrypted bodies that they open.
#include "wal/keyring.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base64.hpp"
#include "tests/wal/codec_support.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::wal;

namespace {

const std::string first_key = "0123456789abcdefghijklmnopqrstuv";
const std::string second_key(32, '\xff');

keyring ring_of(std::vector<std::string> keys, cipher with = cipher::xchacha20_poly1305) {
  auto made = keyring::make({true, with, std::move(keys)});
  INFO((made ? "" : made.reason().text));
  REQUIRE(made.ok());
  return *std::move(made);
}

std::string body_of(const keyring& keys, const std::string& json) {
  std::string body;
  file_cipher(keys).append_body(body, json, file_name);
  return body;
}

/// What a reader with those keys makes of a body; "REFUSED" if it can't.
std::string opened(const keyring& keys, const std::string& body,
                   const std::string& name = file_name) {
  std::string json;
  return file_decipher(keys).open_body(json, body, name) ? json : "REFUSED";
}

std::string error_of(const encryption_options& how) {
  auto made = keyring::make(how);
  REQUIRE_FALSE(made.ok());
  CHECK(made.reason().code == core::errc::bad_config);
  return made.reason().text;
}

// Made with Python: hashlib.blake2b for the subkey, the cryptography package for AES-GCM and
// ChaCha20-Poly1305, HChaCha20 by hand. Key first_key, salt 00 01 … 0f, nonce 64 65 …, JSON V1.
const std::string golden_aes =
    "enc:AAECAwQFBgcICQoLDA0OD2RlZmdoaWprbG1ub1A9CJwgZshW4jNe1GU+SQd9N0J1wgLiUuJd1RqooZo1P1x1fsTo"
    "NZAPi1O3ES2IG6gYi3U4WjsnWy9xivU6iOY5dFueZLKAkyjW/kZs6TF9KzuJPJWwj268GaR7/rvu1sVgfPZlOM6Ia+fo"
    "3te1/gVFLVT7e2k16I8ESjRpIDzef1s8cLmx0FlJyuLKslRr+6qqZqJ8GAtNRA3a0IhvdzCKKmTmWjNUvE9WFbrCkxsH"
    "fqTIqqmtoRfP2K4WoxVOTgXTBMjGqc+4OcB7+WiDR/6ff/tjxaJcaOdd/Hm10nGutQ==";
const std::string golden_xchacha =
    "enc:AAECAwQFBgcICQoLDA0OD2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e7FMs13ewsJAG1xIEu5mE3SMHft8K5pU07v+"
    "BvQVFz0oyaFkHJsJYOfFn8cSDEv7T4ssDq5gORO9ZZbmAz0S/T5fb5CSm78YlkYl1AuWoDt3YXXoDlw6BJoqqu9rrd6G"
    "+Y3y7Jn76t8+aA018FfBXJNkhkpdxoRQkKL8F8HtAEWnE1n6tZeDMJRI8LeT71jV+CzqRpMdGh2KNp96NBOrH3opM+ZR"
    "1RhumNKCRs9TnsgrSpjGmPCmtSh4C9/7rDmM1iTqkTNiu5fka+tGf4Nhu4z+dX7ONDN8QXkiRLbC8gBUSA==";

}  // namespace

TEST_CASE("golden vectors: bodies that another implementation has encrypted are read") {
  for (auto with : ciphers_here()) {
    const auto keys = ring_of({first_key}, with);
    if (is_available(cipher::aes_256_gcm))
      CHECK(opened(keys, golden_aes) == golden_json("PENDING"));
    CHECK(opened(keys, golden_xchacha) == golden_json("PENDING"));
    CHECK(keys.current_id() == "a2657dbb9bd030e0");
  }
}

TEST_CASE("what is encrypted with either cipher is read back, whatever its length") {
  for (auto with : ciphers_here()) {
    const auto keys = ring_of({first_key}, with);
    for (std::size_t size : {0u, 1u, 2u, 3u, 11u, 12u, 13u, 1000u, 1'000'000u}) {
      const std::string json(size, 'j');
      const auto body = body_of(keys, json);
      CHECK(opened(keys, body) == json);
      CHECK(body.size() == file_cipher::body_bytes(size, with));
    }
  }
}

TEST_CASE("every changed byte of a body, a cut and an addition are noticed") {
  for (auto with : ciphers_here()) {
    const auto keys = ring_of({first_key}, with);
    const auto body = body_of(keys, golden_json("PENDING") + " ");
    REQUIRE(opened(keys, body) != "REFUSED");
    for (std::size_t at = 0; at < body.size(); ++at) {
      INFO("byte " << at);
      CHECK(opened(keys, body.substr(0, at)) == "REFUSED");
      for (char other : {'A', 'b', '+', '=', '!', '\n'}) {
        auto changed = body;
        changed[at] = other;
        if (changed != body) CHECK(opened(keys, changed) == "REFUSED");
      }
      for (int bit = 0; bit < 8; ++bit) {
        auto changed = body;
        changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
        CHECK(opened(keys, changed) == "REFUSED");
      }
    }
    CHECK(opened(keys, body + "AAAA") == "REFUSED");
    CHECK(opened(keys, body + "=") == "REFUSED");
  }
}

TEST_CASE("a body belongs to its file") {
  for (auto with : ciphers_here()) {
    const auto keys = ring_of({first_key}, with);
    const auto body = body_of(keys, "{}");
    CHECK(opened(keys, body) == "{}");
    CHECK(opened(keys, body, "wal-1700000000000000001.jsonl") == "REFUSED");
    CHECK(opened(keys, body, "") == "REFUSED");
  }
}

TEST_CASE("any key of the ring reads, the first one writes") {
  for (auto with : ciphers_here()) {
    const auto before = ring_of({first_key}, with);
    const auto after = ring_of({second_key, first_key}, with);
    const auto only_second = ring_of({second_key}, with);
    CHECK(opened(after, body_of(before, "{}")) == "{}");
    CHECK(opened(only_second, body_of(after, "{}")) == "{}");
    CHECK(opened(only_second, body_of(before, "{}")) == "REFUSED");
    CHECK(opened(before, body_of(after, "{}")) == "REFUSED");
    CHECK(after.current_id() == only_second.current_id());
    CHECK(after.current_id() != before.current_id());
    CHECK(after.has(before.current_id()));
    CHECK(after.has(after.current_id()));
    CHECK_FALSE(only_second.has(before.current_id()));
    CHECK_FALSE(after.has(""));
  }
}

TEST_CASE("one reader takes bodies of both keys, both ciphers and several writers in any order") {
  const auto old_ring = ring_of({first_key}, cipher::xchacha20_poly1305);
  const auto new_ring = ring_of({second_key, first_key}, ciphers_here().front());
  std::vector<std::string> bodies;
  for (const auto* keys : {&old_ring, &new_ring, &old_ring, &new_ring})
    bodies.push_back(body_of(*keys, std::to_string(bodies.size())));
  file_decipher reader(new_ring);
  std::string json;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      CHECK(reader.open_body(json, bodies[i], file_name));
      CHECK(json == std::to_string(i));
      CHECK_FALSE(
          reader.open_body(json, body_of(ring_of({std::string(32, 'x')}), "{}"), file_name));
    }
  }
}

TEST_CASE("no salt and no nonce is used twice") {
  for (auto with : ciphers_here()) {
    const auto keys = ring_of({first_key}, with);
    std::set<std::string> salts, nonces;
    for (int file = 0; file < 50; ++file) {
      const file_cipher writer(keys);
      for (int line = 0; line < 20; ++line) {
        std::string body, bytes;
        writer.append_body(body, "{}", file_name);
        REQUIRE(core::decode_base64(bytes, std::string_view(body).substr(4)));
        salts.insert(bytes.substr(0, 16));
        nonces.insert(bytes.substr(16, 12));
      }
    }
    CHECK(salts.size() == 50);
    CHECK(nonces.size() == 1000);
  }
}

TEST_CASE("what is no encrypted body is refused") {
  const auto keys = ring_of({first_key});
  for (std::string body : {"", "enc", "enc:", "ENC:AAAA", "enc:AAAA", "{\"version\":2}"})
    CHECK(opened(keys, body) == "REFUSED");
  for (std::size_t size = 0; size < 60; ++size) {
    std::string body = "enc:";
    core::append_base64(body, std::string(size, '\0'));
    CHECK(opened(keys, body) == "REFUSED");
  }
}

TEST_CASE("keys are 32 bytes long, and no error tells one") {
  for (std::size_t size : {0u, 1u, 16u, 31u, 33u, 64u}) {
    const auto text =
        error_of({true, cipher::xchacha20_poly1305, {first_key, std::string(size, 's')}});
    CHECK(text.find("key 2") != std::string::npos);
    CHECK(text.find(std::to_string(size)) != std::string::npos);
    CHECK(text.find("ss") == std::string::npos);
    CHECK_FALSE(keyring::make({false, cipher::aes_256_gcm, {std::string(size, 's')}}).ok());
  }
  CHECK(error_of({true, cipher::xchacha20_poly1305, {}}).find("key") != std::string::npos);
}

TEST_CASE("a ring that does not encrypt may be empty, or have keys for reading") {
  auto none = keyring::make({});
  REQUIRE(none.ok());
  CHECK(none->empty());
  CHECK_FALSE(none->encrypts());
  CHECK_FALSE(none->has("a2657dbb9bd030e0"));
  CHECK(opened(*none, golden_xchacha) == "REFUSED");
  auto reading = keyring::make({false, cipher::aes_256_gcm, {first_key}});
  REQUIRE(reading.ok());
  CHECK_FALSE(reading->encrypts());
  CHECK(opened(*reading, golden_xchacha) == golden_json("PENDING"));
}

TEST_CASE("a ring that is gone takes nothing from its copies") {
  auto ring = std::make_unique<keyring>(ring_of({first_key, second_key}));
  const keyring copy = *ring;
  ring.reset();
  CHECK(opened(copy, golden_xchacha) == golden_json("PENDING"));
  CHECK(opened(ring_of({second_key}), body_of(copy, "{}")) == "REFUSED");
}

TEST_CASE("ciphers have the names that the configuration gives them") {
  for (auto with : {cipher::aes_256_gcm, cipher::xchacha20_poly1305})
    CHECK(parse_cipher(to_string(with)) == with);
  CHECK(to_string(cipher::aes_256_gcm) == "aes-256-gcm");
  CHECK(to_string(cipher::xchacha20_poly1305) == "xchacha20-poly1305");
  for (std::string_view name : {"", "aes", "AES-256-GCM", "aes-256-gcm "})
    CHECK_FALSE(parse_cipher(name));
}
