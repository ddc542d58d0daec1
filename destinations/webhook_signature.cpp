#include "destinations/webhook_signature.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <sodium.h>

#include "core/base64.hpp"

namespace nexus::destinations {

namespace {

constexpr std::string_view encoded_prefix = "whsec_";

void update(crypto_auth_hmacsha256_state& state, std::string_view bytes) {
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()),
                                bytes.size());
}

}  // namespace

webhook_signer::webhook_signer(std::vector<std::string> keys) : keys_(std::move(keys)) {}

core::result<webhook_signer> webhook_signer::make(std::string_view secrets) {
  std::vector<std::string> keys;
  while (!secrets.empty()) {
    const std::string_view secret = secrets.substr(0, secrets.find(' '));
    secrets.remove_prefix(std::min(secret.size() + 1, secrets.size()));
    if (secret.empty()) continue;
    std::string key(secret);
    if (secret.starts_with(encoded_prefix) &&
        !core::decode_base64(key, secret.substr(encoded_prefix.size()))) {
      return core::error{core::errc::bad_config, "what follows whsec_ is not padded Base64"};
    }
    if (key.empty()) return core::error{core::errc::bad_config, "whsec_ stands without a key"};
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return core::error{core::errc::bad_config, "it holds no secret"};
  return webhook_signer(std::move(keys));
}

std::string webhook_signer::sign(std::string_view id, std::string_view timestamp,
                                 std::string_view body) const {
  std::string signatures;
  for (const std::string& key : keys_) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()),
                                key.size());
    for (const std::string_view part :
         {id, std::string_view("."), timestamp, std::string_view("."), body}) {
      update(state, part);
    }
    std::array<unsigned char, crypto_auth_hmacsha256_BYTES> digest{};
    crypto_auth_hmacsha256_final(&state, digest.data());
    signatures += signatures.empty() ? "v1," : " v1,";
    core::append_base64(signatures, {reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
  return signatures;
}

}  // namespace nexus::destinations
